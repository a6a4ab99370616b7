/** Options that the commands which load a model share. */
import type { SessionOptions } from '../runtime/session.js';

export interface SessionFlags {
  readonly threads?: number;
  /** false where `--no-winograd` stands. */
  readonly winograd?: boolean;
}

/** What the flags say to a session. */
export function sessionOptions(flags: SessionFlags): SessionOptions {
  return {
    ...(flags.threads !== undefined && { intraOpNumThreads: flags.threads }),
    ...(flags.winograd !== undefined && { winograd: flags.winograd }),
  };
}
