import { describe, expect, it } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { playedPages, shownIn } from './pages.js';

const pages = playedPages();

describe.each(['solo-pool', 'pplns-pool'])('the page examples/%s', (name) => {
  const page = readFileSync(`examples/${name}/README.md`, 'utf8');
  const shown = shownIn(page);

  it('is shown where people look, and says which commands are run', () => {
    expect(readFileSync('README.md', 'utf8')).toContain(`examples/${name}/`);
    expect(shown.map(({ how }) => how)).toEqual(expect.arrayContaining(['run', 'start']));
    // what is not run takes a node
    const all = [...page.matchAll(/```sh\n([\s\S]*?)\n```/g)].map(([, commands = '']) => commands);
    const unrun = all.filter((commands) => !shown.some((one) => one.commands === commands));
    expect(unrun.every((commands) => commands.includes('--bitcoin-rpc'))).toBe(true);
  });

  it('has commands that end with a block whose statement is right', async () => {
    const { cwd, text } = await pages.play(shown);
    expect(text).toMatch(/bcrt1q(rp33g0q5|ar0srrr7)/);
    expect(text.match(/^right: block [0-9a-f]{64}/gm)).toHaveLength(name === 'solo-pool' ? 1 : 2);
    if (name === 'pplns-pool') expect(text).toMatch(/^right: .* by [1-9]\d* records of one user$/m);
    expect(existsSync(join(cwd, 'copy.sqlite'))).toBe(true);
    await pages.endAll();
  }, 240_000);
});
