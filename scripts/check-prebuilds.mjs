#!/usr/bin/env node
// Before `npm pack` and `npm publish`: refuses a package without addons for all architectures and without kernels for all GPUs.
// DSNK_PACK_WITHOUT_GPU=1 takes what kernels there are: for tests, where they were not compiled.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { missingFromPacks, packFolder } from './cuda/images.mjs';
import { modules } from './cuda/modules.mjs';
import { addonFile, architectures } from './prebuild/addons.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const addons = architectures.map(addonFile).filter((file) => !existsSync(join(root, file)));
const packs = process.env.DSNK_PACK_WITHOUT_GPU === '1' ? [] : missingFromPacks(packFolder(root), [...modules(root).keys()]);
for (const file of addons) console.error(`${file}: must be there: npm run prebuild`);
for (const line of packs) console.error(`prebuilds/cuda/${line}: npm run prebuild:cuda`);
if (addons.length + packs.length > 0) process.exit(1);
