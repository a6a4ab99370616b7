// Prints what failed in a report of vitest's JSON reporter: each file and test, with the first lines of its message.
// usage: node scripts/failed-tests.mjs <report.json>
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';

const messageLines = 12;
const first = (text) =>
  text
    .split('\n')
    .slice(0, messageLines)
    .map((line) => `    ${line}`)
    .join('\n');

for (const file of JSON.parse(readFileSync(process.argv[2], 'utf8')).testResults) {
  const name = relative('.', file.name);
  const failed = file.assertionResults.filter((test) => test.status === 'failed');
  if (file.status === 'failed' && failed.length === 0) console.log(`FAILED: ${name}\n${first(file.message)}`);
  for (const test of failed) console.log(`FAILED: ${name}: ${test.fullName}\n${first(test.failureMessages.join('\n'))}`);
}
