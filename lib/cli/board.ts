/** What the system tells of the machine beyond what the addon knows: the board, its cores, how fast they are allowed to be. Every source may be missing. */
import { readdirSync, readFileSync } from 'node:fs';
import { arch, freemem, machine, platform, release, totalmem } from 'node:os';
import { libcText } from '../runtime/addon-file.js';

export interface Core {
  /** How many of them. */
  readonly count: number;
  /** What /proc/cpuinfo calls them: on Arm `implementer`, `part`, `variant`, `revision`; on x86 `model name`, `family`, `model`, `stepping`. */
  readonly [property: string]: string | number;
}

/** Cores that change their clock together. */
export interface Clock {
  readonly cores: string;
  readonly governor?: string;
  readonly minKHz?: number;
  readonly maxKHz?: number;
  readonly currentKHz?: number;
}

export interface Board {
  readonly name: string | null;
  readonly system: { readonly platform: string; readonly kernel: string; readonly kernelMachine: string; readonly nodeArch: string; readonly libc: string };
  readonly memory: { readonly totalBytes: number; readonly freeBytes: number };
  readonly cores: readonly Core[];
  readonly clocks: readonly Clock[];
}

function line(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').replaceAll('\0', '').trim() || undefined;
  } catch {
    return undefined;
  }
}

function number(path: string): number | undefined {
  const text = line(path);
  return text !== undefined && /^-?\d+$/.test(text) ? Number(text) : undefined;
}

const told: Readonly<Record<string, string>> = {
  'CPU implementer': 'implementer',
  'CPU part': 'part',
  'CPU variant': 'variant',
  'CPU revision': 'revision',
  'model name': 'modelName',
  'cpu family': 'family',
  model: 'model',
  stepping: 'stepping',
};

/** Equal cores together, in the order of their first. */
export function coresOf(cpuinfo: string): Core[] {
  const counts = new Map<string, number>();
  for (const block of cpuinfo.split(/\n\n+/)) {
    const pairs = block.split('\n').map((text) => text.split(':').map((part) => part.trim()));
    if (!pairs.some(([key]) => key === 'processor')) continue;
    const core = Object.fromEntries(pairs.flatMap(([key = '', value = '']) => (told[key] === undefined ? [] : [[told[key], value]])));
    const key = JSON.stringify(core);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts].map(([core, count]) => ({ count, ...JSON.parse(core) }));
}

function clocks(): Clock[] {
  const folder = '/sys/devices/system/cpu/cpufreq';
  let policies: string[] = [];
  try {
    policies = readdirSync(folder).filter((name) => name.startsWith('policy'));
  } catch {
    // a virtual machine, mostly
  }
  return policies.map((policy): Clock => {
    const governor = line(`${folder}/${policy}/scaling_governor`);
    const khz = (name: string) => number(`${folder}/${policy}/${name}`);
    const [minKHz, maxKHz, currentKHz] = [khz('scaling_min_freq'), khz('scaling_max_freq'), khz('scaling_cur_freq')];
    return {
      cores: line(`${folder}/${policy}/related_cpus`) ?? policy.replace('policy', ''),
      ...(governor !== undefined && { governor }),
      ...(minKHz !== undefined && { minKHz }),
      ...(maxKHz !== undefined && { maxKHz }),
      ...(currentKHz !== undefined && { currentKHz }),
    };
  });
}

export function board(): Board {
  return {
    name: line('/proc/device-tree/model') ?? line('/sys/class/dmi/id/product_name') ?? null,
    system: { platform: platform(), kernel: release(), kernelMachine: machine(), nodeArch: arch(), libc: libcText() },
    memory: { totalBytes: totalmem(), freeBytes: freemem() },
    cores: coresOf(line('/proc/cpuinfo') ?? ''),
    clocks: clocks(),
  };
}

/** The warmest sensor, in degrees Celsius. */
export function temperatureCelsius(): number | null {
  let zones: string[] = [];
  try {
    zones = readdirSync('/sys/class/thermal').filter((name) => name.startsWith('thermal_zone'));
  } catch {
    // none is told
  }
  const warm = zones.flatMap((zone) => number(`/sys/class/thermal/${zone}/temp`) ?? []);
  return warm.length === 0 ? null : Math.max(...warm) / 1000;
}
