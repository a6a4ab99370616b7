// The toolkits that compile device code: the one that is installed, and a private one of CUDA 11.8, whose binaries every driver
// since 11.4 loads, those of JetPack 5 among them. The latter is made of Debian's packages, pinned in toolkit.json.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fetchPackage, relativeLinks, sha256 } from '../prebuild/packages.mjs';

const pins = JSON.parse(readFileSync(join(dirname(fileURLToPath(import.meta.url)), 'toolkit.json'), 'utf8'));

/** What to do where no nvcc is found. */
export const cure = 'install the CUDA toolkit (12 or 13; developer.nvidia.com/cuda-downloads) and put its bin folder on PATH, or name its folder in CUDA_HOME';

/** `{ nvcc, version, flags, env }` of the toolkit on PATH, in CUDA_HOME or in /usr/local/cuda; undefined where none is. */
export function installedToolkit() {
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...(process.env.CUDA_HOME ? [join(process.env.CUDA_HOME, 'bin')] : []), '/usr/local/cuda/bin'];
  const nvcc = folders.map((folder) => join(folder, 'nvcc')).find((file) => existsSync(file));
  if (nvcc === undefined) return undefined;
  const version = versionOf(nvcc, process.env);
  return version && { nvcc, version, flags: [], env: process.env };
}

function versionOf(nvcc, env) {
  const { stdout } = spawnSync(nvcc, ['--version'], { encoding: 'utf8', env });
  return /release (\d+\.\d+)/.exec(stdout ?? '')?.[1];
}

const hostCompiler = 'g++-11';

/** Where the private toolkit is, or will be. */
const places = (folder) => {
  const home = join(folder, `cuda-${pins.version}`);
  return { home, mark: join(home, '.pins'), state: sha256(JSON.stringify([pins.whole, pins.headers])) };
};

function described(home) {
  const bin = join(home, 'usr', 'lib', 'nvidia-cuda-toolkit', 'bin');
  const libraries = join(home, 'usr', 'lib', 'x86_64-linux-gnu');
  const env = {
    ...process.env,
    PATH: [bin, join(home, 'usr', 'bin'), process.env.PATH].join(delimiter),
    LD_LIBRARY_PATH: [libraries, process.env.LD_LIBRARY_PATH].filter(Boolean).join(delimiter),
  };
  return { nvcc: join(bin, 'nvcc'), version: pins.version, flags: ['-ccbin', hostCompiler], env, cuobjdump: join(home, 'usr', 'bin', 'cuobjdump') };
}

/** The private toolkit under `folder`, if it was fetched before. */
export function fetchedToolkit(folder) {
  const { home, mark, state } = places(folder);
  return existsSync(mark) && readFileSync(mark, 'utf8') === state ? described(home) : undefined;
}

/** The private toolkit under `folder`, fetched and unpacked unless it is there as pinned. */
export function privateToolkit(folder) {
  if (spawnSync(hostCompiler, ['--version']).status !== 0)
    throw new Error(`CUDA ${pins.version} takes no newer host compiler than ${hostCompiler}: apt-get install -y ${hostCompiler}`);
  const there = fetchedToolkit(folder);
  if (there) return there;
  const { home, mark, state } = places(folder);
  const packages = join(folder, 'packages');
  const fetchAll = (list) => Object.entries(list).map(([path, hash]) => fetchPackage(path, hash, packages, pins.mirrors));
  const [whole, headers] = [fetchAll(pins.whole), fetchAll(pins.headers)];
  const fresh = `${home}.${process.pid}`;
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true });
  const unpack = (command, file) => {
    const { status, stderr } = spawnSync('bash', ['-o', 'pipefail', '-c', command, 'unpack', file, fresh], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`${file}: must unpack with dpkg-deb, ${stderr || 'there is no dpkg-deb'}`);
  };
  for (const file of whole) unpack('dpkg-deb -x "$1" "$2"', file);
  // of 4 GB of libraries only the headers
  for (const file of headers) unpack('dpkg-deb --fsys-tarfile "$1" | tar -x -C "$2" ./usr/include', file);
  relativeLinks(fresh, fresh);
  // Debian's names absolute folders
  const profile = [
    'NVVMIR_LIBRARY_DIR = $(_HERE_)/../libdevice',
    'PATH += $(_HERE_):$(_HERE_)/../../../bin:',
    'INCLUDES += "-I$(_HERE_)/../../../include" $(_SPACE_)',
  ];
  rmSync(join(fresh, 'usr', 'lib', 'nvidia-cuda-toolkit', 'bin', 'nvcc.profile'), { force: true });
  writeFileSync(join(fresh, 'usr', 'lib', 'nvidia-cuda-toolkit', 'bin', 'nvcc.profile'), `${profile.join('\n')}\n`);
  writeFileSync(join(fresh, '.pins'), state);
  rmSync(home, { recursive: true, force: true });
  renameSync(fresh, home);
  for (const file of [...whole, ...headers]) rmSync(file, { force: true }); // 866 MB
  if (!existsSync(mark)) throw new Error(`${home}: must be complete`);
  return described(home);
}
