#!/usr/bin/env node
// Before `npm pack`: copies the headers of Node-API into node-api/, with their licences, so that `npx ds-native-kernels build`
// needs neither network nor further packages. With --remove, after it: takes them away again.
import { copyFileSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = join(dirname(fileURLToPath(import.meta.url)), '..', 'node-api');
rmSync(folder, { recursive: true, force: true });
if (!process.argv.includes('--remove')) {
  const require = createRequire(import.meta.url);
  mkdirSync(folder, { recursive: true });
  const take = (from, licence, name) => {
    for (const file of readdirSync(from).filter((f) => f.endsWith('.h'))) copyFileSync(join(from, file), join(folder, file));
    copyFileSync(licence, join(folder, name));
  };
  const node = require('node-api-headers').include_dir;
  take(node, join(node, '..', 'LICENSE'), 'LICENSE.node-api-headers');
  const napi = dirname(require.resolve('node-addon-api/package.json'));
  take(napi, join(napi, 'LICENSE.md'), 'LICENSE.node-addon-api');
}
