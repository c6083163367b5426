/** The page on a cluster, whose commands are run as they are: payouts by the core's ledger go over NATS, too. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { playedPages, shownIn } from '../cli/pages.js';

const pages = playedPages();
const page = readFileSync('examples/cluster/README.md', 'utf8');

describe('the page examples/cluster', () => {
  it('is shown where people look, and all of its commands are run', () => {
    expect(readFileSync('README.md', 'utf8')).toContain('examples/cluster/');
    const all = [...page.matchAll(/```sh\n([\s\S]*?)\n```/g)].map(([, commands]) => commands);
    expect(shownIn(page).map(({ commands }) => commands)).toEqual(all);
  });

  it('has commands that end with a block that pays the miners of two fronts, and whose statement is right', async () => {
    const { text } = await pages.play(shownIn(page));
    expect(text).toMatch(/bcrt1qrp33g0q5/);
    expect(text).toMatch(/bcrt1qar0srrr7/);
    expect(text.match(/^right: block [0-9a-f]{64}/gm)).toHaveLength(1);
    await pages.endAll();
  }, 120_000);
});
