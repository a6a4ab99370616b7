/** Options that the commands which load a model share. */
import type { Precision } from '../compile/precision.js';
import type { SessionOptions } from '../runtime/session-options.js';

export interface SessionFlags {
  readonly threads?: number;
  /** false where `--no-winograd` stands. */
  readonly winograd?: boolean;
  /** true where `--tune` stands without a file. */
  readonly tune?: string | true | undefined;
  readonly precision?: Precision;
  /** `auto`: a GPU where there is one. */
  readonly provider?: 'cpu' | 'cuda' | 'auto';
  /** Compare with float32. */
  readonly accuracy?: boolean;
}

/** `--provider` as sessions take it. */
export function providerOption(provider: SessionFlags['provider']): Pick<SessionOptions, 'executionProviders'> {
  return provider === undefined ? {} : { executionProviders: provider === 'auto' ? provider : [provider] };
}

/** What the flags say to a session of that model file. */
export function sessionOptions(model: string, flags: SessionFlags): SessionOptions {
  return {
    ...(flags.threads !== undefined && { intraOpNumThreads: flags.threads }),
    ...(flags.winograd !== undefined && { winograd: flags.winograd }),
    ...(flags.tune !== undefined && { tune: { file: flags.tune === true ? `${model}.tune.json` : flags.tune } }),
    ...(flags.precision !== undefined && { precision: flags.precision }),
    ...providerOption(flags.provider),
  };
}
