/** Loads onnxruntime-node from bench/node_modules, installing it there at the first use. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));

export interface PeerSession {
  /** `fetches`: outputs by name, null or a tensor whose memory takes it. */
  run(feeds: Record<string, unknown>, fetches?: Record<string, unknown>): Promise<Record<string, { data: unknown; dims: readonly number[] }>>;
  release(): Promise<void>;
}

export interface Peer {
  readonly version: string;
  readonly Tensor: new (type: string, data: unknown, dims: readonly number[]) => unknown;
  create(path: string, threads: number): Promise<PeerSession>;
  /** A session that writes how long every node took; `nodeTimes` releases it and returns them, run after run. */
  createProfiled(path: string, threads: number): Promise<PeerSession & { nodeTimes(): Promise<readonly NodeTime[]> }>;
}

export interface NodeTime {
  readonly node: string;
  readonly op: string;
  readonly us: number;
}

/** The events of a profile that are nodes of the graph. */
function nodesOf(file: string): NodeTime[] {
  const events = JSON.parse(readFileSync(file, 'utf8')) as { cat: string; name: string; dur: number; args: { op_name?: string } }[];
  return events
    .filter((e) => e.cat === 'Node' && e.name.endsWith('_kernel_time'))
    .map((e) => ({ node: e.name.slice(0, -'_kernel_time'.length), op: e.args.op_name ?? '', us: e.dur }));
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
    InferenceSession: { create(path: string, options: object): Promise<PeerSession & { endProfiling(): void }> };
  };
  const { version } = require('onnxruntime-node/package.json') as { version: string };
  return {
    version,
    Tensor: ort.Tensor,
    // Its default options but for the thread count, which both sides share.
    create: (path, threads) => ort.InferenceSession.create(path, { intraOpNumThreads: threads }),
    async createProfiled(path, threads) {
      const folder = mkdtempSync(join(tmpdir(), 'dsnk-peer-profile-'));
      const session = await ort.InferenceSession.create(path, {
        intraOpNumThreads: threads,
        enableProfiling: true,
        profileFilePrefix: join(folder, 'profile'),
      });
      return {
        run: (feeds, fetches) => (fetches === undefined ? session.run(feeds) : session.run(feeds, fetches)),
        release: () => session.release(),
        async nodeTimes() {
          session.endProfiling();
          await session.release();
          const times = readdirSync(folder).flatMap((f) => nodesOf(join(folder, f)));
          rmSync(folder, { recursive: true });
          return times;
        },
      };
    },
  };
}
