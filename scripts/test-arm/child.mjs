// Runs in the emulated Node: child.mjs <report file> <test file>…
// Appends to the report one JSON line per event, so that what a crash interrupted can be told.
import { appendFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { startTests } from '@vitest/runner';

const [report, ...files] = process.argv.slice(2);
const tell = (event) => appendFileSync(report, `${JSON.stringify(event)}\n`);
process.execPath = process.env.DSNK_ARM_NODE;
// Node 20.16 brought it, the package asks for 20.19; the only Node for armv7 on npm is 20.11.
process.getBuiltinModule ??= createRequire(import.meta.url);

const fullName = (task) => (task.suite?.name ? `${fullName(task.suite)} > ${task.name}` : task.name);
const tests = (suite) => suite.tasks.flatMap((task) => (task.type === 'suite' ? tests(task) : [task]));
const reasons = (task) => (task.result?.errors ?? []).map((e) => `${e.message}\n${(e.stack ?? '').split('\n').slice(0, 6).join('\n')}`);
const brokenSuites = (suite) =>
  [suite, ...suite.tasks.filter((t) => t.type === 'suite').flatMap(brokenSuites)].filter((s) => (s.result?.errors ?? []).length > 0);

/** Of all threads: what a test costs, whatever else the machine does. */
const cpuSeconds = ({ user, system }) => (user + system) / 1e6;

const runner = {
  config: {
    root: process.cwd(),
    setupFiles: [],
    passWithNoTests: true,
    allowOnly: false,
    testNamePattern: process.env.DSNK_TEST_NAMES ? new RegExp(process.env.DSNK_TEST_NAMES) : undefined,
    sequence: { hooks: 'stack', setupFiles: 'list', seed: 0 },
    maxConcurrency: 1,
    // who is stuck is ended by the parent: an emulated CPU has no notion of time that could be promised
    testTimeout: 0,
    hookTimeout: 0,
    retry: 0,
    tags: [],
  },
  importFile: (path) => import(pathToFileURL(path).href),
  onBeforeRunTask: (test) => tell({ running: fullName(test) }),
};

for (const file of files) {
  const before = process.cpuUsage();
  tell({ file, running: 'import' });
  const [done] = await startTests([file], runner);
  const all = tests(done);
  const failed = [...brokenSuites(done), ...all.filter((t) => t.result?.state === 'fail')];
  tell({
    file,
    passed: all.filter((t) => t.result?.state === 'pass').length,
    failed: failed.length,
    skipped: all.filter((t) => t.mode === 'skip' || t.result?.state === 'skip').length,
    seconds: cpuSeconds(process.cpuUsage(before)),
    slowest: all
      .map((t) => [Math.round(t.result?.duration ?? 0), fullName(t)])
      .sort((a, b) => b[0] - a[0])
      .slice(0, 5),
    failures: failed.map((t) => ({ name: fullName(t), reasons: reasons(t) })),
  });
}
process.exit(0);
