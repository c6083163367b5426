import { builtinModules } from 'node:module';
import { describe, expect, it } from '@jest/globals';
import { build } from 'esbuild';

/** Bundles an entry point for the browser and returns what it imports from outside the bundle. */
async function bundle(
  entry: string,
): Promise<{ readonly external: readonly string[]; readonly code: string }> {
  const result = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    metafile: true,
    format: 'esm',
    platform: 'browser',
    external: ['node:*', ...builtinModules],
    logLevel: 'silent',
  });
  const external = Object.values(result.metafile.inputs)
    .flatMap(({ imports }) => imports)
    .filter((imported) => imported.external === true)
    .map(({ path }) => path);
  return { external, code: result.outputFiles[0]?.text ?? '' };
}

describe('the browser', () => {
  it.each(['src/index.ts', 'src/observe.ts', 'src/testing.ts'])(
    'can load %s: no node: import, no Node.js globals',
    async (entry) => {
      const { external, code } = await bundle(entry);
      expect(external).toEqual([]);
      expect(code.length).toBeGreaterThan(10_000);
      expect(code).not.toMatch(/\bBuffer\.(from|alloc|concat)|\bprocess\.(env|nextTick|hrtime)/);
    },
  );

  it('could not load the Node.js entry point, so the check above can fail', async () => {
    const { external } = await bundle('src/node.ts');
    expect(external).toContain('node:net');
  });
});
