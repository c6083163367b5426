import { readdirSync } from 'node:fs';
import { describe, expect, it, test } from '@jest/globals';
import { ESLint, type Linter } from 'eslint';
import tseslint from 'typescript-eslint';

const layers = readdirSync('src', { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);
const usesNode = ['node', 'cli'];
const inBrowsers = ['dashboard'];
const core = layers.filter((layer) => ![...usesNode, ...inBrowsers].includes(layer));

/** What the rules of a layer say about code in it, by rule. */
async function complaints(layer: string, code: string): Promise<readonly string[]> {
  // eslint-disable-next-line @typescript-eslint/no-unsafe-assignment -- ESLint says `any`
  const { rules }: Linter.Config = await new ESLint().calculateConfigForFile(`src/${layer}/any.ts`);
  const names = [
    ...['no-restricted-globals', 'no-restricted-properties', 'no-restricted-imports'],
    ...['no-restricted-syntax', '@typescript-eslint/no-restricted-types'],
  ];
  const eslint = new ESLint({
    overrideConfigFile: true,
    overrideConfig: {
      languageOptions: { parser: tseslint.parser },
      plugins: { '@typescript-eslint': tseslint.plugin },
      rules: Object.fromEntries(names.map((name) => [name, rules?.[name] ?? 'off'])),
    },
  });
  const [result] = await eslint.lintText(code);
  return (result?.messages ?? []).map(({ ruleId }) => ruleId ?? 'syntax');
}

describe.each(core)('the rules of src/%s forbid what does not run everywhere', (layer) => {
  test.each([
    ['Buffer.from([1])', 'no-restricted-globals'],
    ['process.nextTick(() => 0)', 'no-restricted-globals'],
    ['setImmediate(() => 0)', 'no-restricted-globals'],
    ['window.alert(1)', 'no-restricted-globals'],
    ['globalThis.Buffer.from([1])', 'no-restricted-properties'],
    ['globalThis.process.exit()', 'no-restricted-properties'],
    ["globalThis['process'].exit()", 'no-restricted-properties'],
    ['const { Buffer } = globalThis', 'no-restricted-properties'],
    ['(globalThis as unknown as Host).process.exit()', 'no-restricted-syntax'],
    ['const { process } = globalThis as unknown as Host', 'no-restricted-syntax'],
    ['const host = globalThis', 'no-restricted-syntax'],
    ['const host = globalThis as unknown as Host', 'no-restricted-syntax'],
    ["await import('node:fs')", 'no-restricted-syntax'],
    ["await import('fs')", 'no-restricted-syntax'],
    ['await import(`node:${name}`)', 'no-restricted-syntax'],
    ['let timer: NodeJS.Timeout', 'no-restricted-syntax'],
    ["let file: import('node:fs').Stats", 'no-restricted-syntax'],
    ['let bytes: Buffer', '@typescript-eslint/no-restricted-types'],
    ["require('fs')", 'no-restricted-globals'],
    ["import 'node:fs'", 'no-restricted-imports'],
    ["import 'fs'", 'no-restricted-imports'],
    ["import 'rx-sv2'", 'no-restricted-imports'],
    ...(layer === 'crypto'
      ? []
      : ([["import '@noble/hashes/sha2.js'", 'no-restricted-imports']] as [string, string][])),
  ])('%s', async (code, rule) => {
    expect(await complaints(layer, code)).toEqual([rule]);
  });
});

it.each(inBrowsers)('of src/%s forbid Node.js, and take what browsers have', async (layer) => {
  expect(await complaints(layer, "import 'node:fs'")).toEqual(['no-restricted-imports']);
  expect(await complaints(layer, 'window.alert(document.title)')).toEqual([]);
});

it('takes what runs everywhere, and Node.js where it may be', async () => {
  for (const layer of core) {
    const code =
      'new TextEncoder(); new URL("a:b"); queueMicrotask(() => 0); crypto.getRandomValues(new Uint8Array(1))';
    expect(await complaints(layer, code)).toEqual([]);
  }
  for (const layer of usesNode)
    expect(await complaints(layer, "import 'node:fs'; Buffer.from([1]); process.exit()")).toEqual([]);
});
