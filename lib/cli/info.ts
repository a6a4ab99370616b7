/** `info`: what this machine is and what the package makes of it. Every probe may fail; the command may not. */
import { arch, platform, release } from 'node:os';
import { allOperators } from '../ops/index.js';
import type { CpuInfo, GpuInfo } from '../runtime/binding.js';
import { cudaVersion, openGpu } from '../runtime/gpu.js';
import { addonPath, native, packageVersion } from '../runtime/native.js';
import { bytesText, cacheText, printJson, styled, threadsText } from './output.js';

export interface MachineInfo {
  readonly package: string;
  readonly node: string;
  readonly system: string;
  readonly addon: { readonly path?: string; readonly error?: string };
  readonly cpu?: CpuInfo;
  readonly kernels?: { readonly total: number; readonly usable: number };
  readonly operators: number;
  readonly gpu: ({ readonly usable: true } & GpuInfo) | { readonly usable: false; readonly reason: string };
}

function attempt<T>(probe: () => T): { value?: T; error?: string } {
  try {
    return { value: probe() };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

function gpuInfo(): MachineInfo['gpu'] {
  const { value, error = 'unknown' } = attempt(openGpu);
  return value === undefined ? { usable: false, reason: error } : { usable: true, ...value };
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
    gpu: gpuInfo(),
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
  if (m.gpu.usable) {
    const { name, capability, driverVersion, memoryBytes, integrated } = m.gpu;
    const memory = `${bytesText(memoryBytes)}${integrated ? ', shared with the processor' : ''}`;
    line('GPU', `${name} ${styled('dim', `(compute capability ${capability / 10}, driver of CUDA ${cudaVersion(driverVersion)}, ${memory})`)}`);
  } else {
    const [reason = '', ...cure] = m.gpu.reason.replace(/^execution provider 'cuda': /, '').split('\n');
    line('GPU', `${styled('red', 'no')} ${styled('dim', `(${reason})`)}${cure.map((text) => `\n${text}`).join('')}`);
  }
}
