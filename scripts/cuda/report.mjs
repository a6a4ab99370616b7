// What the tools of CUDA say of compiled entries, as data.

/**
 * The lines of `ptxas -v`: for each entry and architecture what it takes of a multiprocessor. Functions that were not inlined have
 * properties of their own; they come with their entry's stack.
 */
export function parsePtxas(text) {
  const rows = [];
  let row, own;
  for (const line of text.split('\n')) {
    let found;
    if ((found = /Compiling entry function '([^']+)' for '([^']+)'/.exec(line))) {
      row = { entry: found[1], arch: found[2], registers: 0, stack: 0, spillStores: 0, spillLoads: 0, staticShared: 0 };
      rows.push(row);
      own = false;
    } else if ((found = /Function properties for (\S+)/.exec(line))) {
      own = row !== undefined && found[1] === row.entry;
    } else if ((found = /(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads/.exec(line)) && row) {
      if (own) row.stack = Number(found[1]);
      row.spillStores += Number(found[2]);
      row.spillLoads += Number(found[3]);
    } else if ((found = /Used (\d+) registers/.exec(line)) && row) {
      row.registers = Number(found[1]);
      row.staticShared = Number(/(\d+) bytes smem/.exec(line)?.[1] ?? 0);
    }
  }
  return rows;
}

/** The text of `cuobjdump -sass`: for each architecture and entry, how often each instruction stands there. */
export function parseSass(text) {
  const architectures = new Map();
  let [entries, counts] = [new Map(), new Map()];
  for (const line of text.split('\n')) {
    let found;
    if ((found = /^\s*code for (sm_\w+)/.exec(line))) {
      entries = architectures.get(found[1]) ?? new Map();
      architectures.set(found[1], entries);
    } else if ((found = /^\s*Function : (\S+)/.exec(line))) {
      counts = new Map();
      entries.set(found[1], counts);
    } else if ((found = /^\s*\/\*[0-9a-f]{4,}\*\/\s+(?:\{\s*)?(?:@!?U?P\w+\s+)?([A-Z][A-Z0-9_.]*)/.exec(line))) {
      counts.set(found[1], (counts.get(found[1]) ?? 0) + 1);
    }
  }
  return architectures;
}

const taken = ({ registers, staticShared, spillStores, spillLoads }) => ({
  registers,
  ...(staticShared > 0 && { shared: staticShared }),
  ...(spillStores + spillLoads > 0 && { spills: spillStores + spillLoads }),
});

/** The table as `--update` writes it: what each entry takes, one line an entry. */
export function tableOf(nvcc, rows) {
  const entries = {};
  for (const row of [...rows].sort((a, b) => (a.entry < b.entry ? -1 : a.entry > b.entry ? 1 : a.arch < b.arch ? -1 : 1))) {
    entries[row.entry] = { ...entries[row.entry], [row.arch]: taken(row) };
  }
  return { nvcc, entries };
}

export function tableText({ nvcc, entries }) {
  const lines = Object.entries(entries).map(([entry, by]) => `    ${JSON.stringify(entry)}: ${JSON.stringify(by)}`);
  return `{\n  "nvcc": ${JSON.stringify(nvcc)},\n  "entries": {\n${lines.join(',\n')}\n  }\n}\n`;
}

const say = (values) =>
  Object.entries(values)
    .map(([name, n]) => `${name} ${n}`)
    .join(', ');

/**
 * Where a report is not what the table says: `wrong`, a changed figure, or what spills that must not; `unknown`, what only one of
 * them has. Of another version of nvcc spills alone count.
 */
export function differences(table, nvcc, rows, instructions) {
  const [wrong, unknown] = [[], []];
  for (const row of rows) {
    const spills = row.spillStores + row.spillLoads;
    const loop = instructions.some((one) => concerns(one, row.entry, row.arch));
    const was = table.entries[row.entry]?.[row.arch];
    const where = `${row.entry}, ${row.arch}`;
    if (loop && spills > 0) wrong.push(`${where}: must keep its registers, ${spills} bytes spill`);
    else if (was === undefined) unknown.push(`${where}: the table does not have it, compiled it takes ${say(taken(row))}`);
    else if (table.nvcc !== nvcc && spills > (was.spills ?? 0)) wrong.push(`${where}: ${spills} bytes spill`);
    else if (table.nvcc === nvcc && JSON.stringify(was) !== JSON.stringify(taken(row))) {
      wrong.push(`${where}: the table says ${say(was)}, compiled it takes ${say(taken(row))}`);
    }
  }
  const [there, archs] = [new Set(rows.map((row) => `${row.entry}, ${row.arch}`)), new Set(rows.map((row) => row.arch))];
  for (const [entry, by] of Object.entries(table.entries)) {
    for (const arch of Object.keys(by)) if (archs.has(arch) && !there.has(`${entry}, ${arch}`)) unknown.push(`${entry}, ${arch}: the sources do not have it`);
  }
  return { wrong, unknown };
}

/** 87 of sm_87, 90 of sm_90a. */
const capability = (arch) => Number(/\d+/.exec(arch)?.[0]);

/** Whether an expectation is one of this entry: from a capability on, and where plans prefer another entry later, below one. */
const concerns = ({ entry, from, below = 1000 }, name, arch) => new RegExp(entry).test(name) && capability(arch) >= from && capability(arch) < below;

/** Entries whose machine code lacks instructions that it was written for, from what parseSass gives. */
export function missingInstructions(sass, instructions) {
  const missing = [];
  for (const [arch, entries] of sass) {
    for (const one of instructions) {
      for (const [name, counts] of entries) {
        if (!concerns(one, name, arch)) continue;
        const lacks = one.has.filter((wanted) => ![...counts.keys()].some((instruction) => new RegExp(wanted).test(instruction)));
        if (lacks.length > 0) missing.push(`${name}, ${arch}: must have ${lacks.join(', ')}`);
      }
    }
  }
  return missing;
}
