/** `info`: what this machine is and what the package makes of it. Every probe may fail; the command may not. */
import { arch, platform, release } from 'node:os';
import { allOperators } from '../ops/index.js';
import type { CpuInfo } from '../runtime/binding.js';
import { addonPath, native, packageVersion } from '../runtime/native.js';
import { cacheText, printJson, styled, threadsText } from './output.js';

export interface MachineInfo {
  readonly package: string;
  readonly node: string;
  readonly system: string;
  readonly addon: { readonly path?: string; readonly error?: string };
  readonly cpu?: CpuInfo;
  readonly kernels?: { readonly total: number; readonly usable: number };
  readonly operators: number;
  readonly gpu: { readonly usable: false; readonly reason: string };
}

function attempt<T>(probe: () => T): { value?: T; error?: string } {
  try {
    return { value: probe() };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

export function machineInfo(): MachineInfo {
  const addon = attempt(native);
  const path = attempt(addonPath);
  const cpu = attempt(() => addon.value?.cpu()).value;
  const kernels = attempt(() => addon.value?.catalogue().kernels).value;
  return {
    package: attempt(packageVersion).value ?? 'unknown',
    node: process.version,
    system: `${platform()} ${release()} ${arch()}`,
    addon: addon.error === undefined ? { path: path.value ?? 'unknown' } : { error: addon.error },
    ...(cpu && { cpu }),
    ...(kernels && { kernels: { total: kernels.length, usable: kernels.filter((k) => k.usable).length } }),
    operators: allOperators().filter((op) => op.domain !== 'dsnk').length,
    gpu: { usable: false, reason: 'this version has no GPU device' },
  };
}

export function info(options: { json?: boolean }): void {
  const m = machineInfo();
  if (options.json) {
    printJson(m);
    return;
  }
  const line = (key: string, value: string) => console.log(`${styled('yellow', `${key}:`)} ${value}`);
  line('ds-native-kernels', m.package);
  line('Node', m.node);
  line('System', m.system);
  line('Addon', m.addon.path ?? styled('red', m.addon.error ?? 'unknown'));
  if (m.cpu) {
    const { cpu } = m;
    const capped = cpu.isa === cpu.best ? '' : `, capped from ${cpu.best} by DSNK_ISA`;
    line('CPU', `${cpu.model} ${styled('dim', `(${cpu.isa}${capped}; ${threadsText(cpu.threads)} usable)`)}`);
    line('Caches', `L1d ${cacheText(cpu.l1dBytes)}, L2 ${cacheText(cpu.l2Bytes)}, L3 ${cacheText(cpu.l3Bytes)}`);
  }
  if (m.kernels) line('Kernels', `${m.kernels.usable} usable of ${m.kernels.total}`);
  line('Operators', `${m.operators}`);
  line('GPU', `${styled('red', 'no')} ${styled('dim', `(${m.gpu.reason})`)}`);
}
