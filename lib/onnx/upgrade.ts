/**
 * Every older form of an operator becomes the newest one, so that inference, passes and kernels know one form only.
 * A rule belongs to operators and to the opset that changed them: it applies to nodes of opsets before that one, oldest
 * rule first. Rules of a name that a node took on meanwhile apply too, if they are newer.
 */
import { inputRules } from './upgrades/inputs.js';
import { legacyRules } from './upgrades/legacy.js';
import { meaningRules } from './upgrades/meaning.js';
import { type Draft, type Rule, Upgrade, type UpgradeEnvironment } from './upgrades/rule.js';

const table = new Map<string, Rule[]>();
for (const rule of [...legacyRules, ...inputRules, ...meaningRules]) {
  for (const op of rule.ops)
    table.set(
      op,
      [...(table.get(op) ?? []), rule].sort((a, b) => a.before - b.before),
    );
}

/** Names that have upgrade rules, also those of operators that were retired since. */
export function upgradedOperators(): readonly string[] {
  return [...table.keys()];
}

/** The nodes that replace a node of that opset, in order; just the node itself where it is in the newest form. */
export function upgradeNode(draft: Draft, opset: number, environment: UpgradeEnvironment): Draft[] {
  // Opsets 1 to 5: a hint for in-place execution, without meaning.
  if (opset < 7) draft.attrs.delete('consumed_inputs');
  if (!table.has(draft.op)) return [draft];
  const upgrade = new Upgrade(draft, environment);
  let done = 0;
  for (;;) {
    const next = table.get(draft.op)?.find((rule) => rule.before > opset && rule.before > done);
    if (next === undefined) return [...upgrade.before, draft, ...upgrade.after];
    next.apply(upgrade);
    done = next.before;
  }
}
