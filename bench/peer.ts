/** Loads onnxruntime-node from bench/node_modules, installing it there at the first use. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));

export interface PeerSession {
  run(feeds: Record<string, unknown>): Promise<Record<string, { data: unknown; dims: readonly number[] }>>;
  release(): Promise<void>;
}

export interface Peer {
  readonly version: string;
  readonly Tensor: new (type: string, data: unknown, dims: readonly number[]) => unknown;
  create(path: string, threads: number): Promise<PeerSession>;
}

export function loadPeer(): Peer {
  if (!existsSync(join(here, 'node_modules', 'onnxruntime-node'))) {
    // Its install script fetches CUDA files; the CPU library is inside the package.
    const { status } = spawnSync('npm', ['ci', '--ignore-scripts'], { cwd: here, stdio: 'inherit', env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' } });
    if (status !== 0) throw new Error('installing the peer failed: run `npm ci --ignore-scripts` in bench/');
  }
  const require = createRequire(join(here, 'package.json'));
  const ort = require('onnxruntime-node') as {
    Tensor: Peer['Tensor'];
    InferenceSession: { create(path: string, options: object): Promise<PeerSession> };
  };
  const { version } = require('onnxruntime-node/package.json') as { version: string };
  return {
    version,
    Tensor: ort.Tensor,
    // Its default options but for the thread count, which both sides share.
    create: (path, threads) => ort.InferenceSession.create(path, { intraOpNumThreads: threads }),
  };
}
