import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { existsSync } from 'node:fs';
import type { monitored } from '../../src/node/monitoring/monitored.js';
import {
  accepted,
  all,
  connected,
  opened,
  rejected,
  serving,
  stopServing,
  supplied,
  type Served,
} from '../node/monitoring/support.js';
import { emptyAccount } from '../../src/ledger/accounts.js';
import { launch } from './chromium.js';

/** What a page must not let do anything: markup, bidi, controls, terminal escapes, a tower of marks, all the length there is. */
const hostile = [
  '<img src=x onerror="document.title=\'owned\'">',
  '</script><script>document.title="owned"</script>',
  'a" onmouseover="document.title=\'owned\'',
  '\u202egpj.evil\u202c\u2066x\u2069',
  '\u001b]0;owned\u0007\u001b[31mred',
  `Z${'\u0301'.repeat(100)}algo`,
  '\u0000\u0085\u2028\u2029\ufeff',
  'x'.repeat(255),
];

const address = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';

const patience = { timeout: 60_000 };
const size = { width: 1_600, height: 900 };

/** The page of a pool, from what was built: sources have none. */
const built = '../../dist/node/monitoring/monitored.js';
const poolPage = async (options: Parameters<typeof serving>[0] = {}): Promise<Served> => {
  if (!existsSync('dist/node/monitoring/monitored.js')) throw new Error('npm run build makes the page');
  const module = (await import(built)) as { readonly monitored: typeof monitored };
  return serving(options, module.monitored);
};

let browser: Browser | undefined;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser?.close());
const pages: Page[] = [];
afterEach(async () => {
  for (const page of pages.splice(0)) await page.context().close();
  stopServing();
});

/** Opens the page; whatever it complains about, or asks elsewhere for, is kept. */
async function open(
  { url }: Served,
  viewport = size,
  answered: (path: string, status: number) => void = () => undefined,
): Promise<{ page: Page; complaints: readonly string[] }> {
  const context = await (browser as Browser).newContext({ viewport });
  const page = await context.newPage();
  pages.push(page);
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => complaints.push(message.text()));
  page.on('request', (request) => {
    if (!request.url().startsWith(url)) complaints.push(`asks ${request.url()}`);
  });
  page.on('response', (response) => answered(response.url().slice(url.length), response.status()));
  await page.goto(url);
  return { page, complaints };
}

/** Pixels that the page is wider than the window. */
const overflow = 'document.documentElement.scrollWidth - window.innerWidth';

const shownRows = (page: Page) => page.locator('.rows .row');

/** Specs that have nothing to say without a browser. */
const inBrowser = (name: string, test: () => Promise<void>) =>
  it(name, async () => {
    if (browser !== undefined) await test();
  });

describe('the dashboard in a browser', () => {
  inBrowser(
    'shows what a pool of three miners does, as it happens, and asks nobody else for anything',
    async () => {
      const served = await poolPage();
      all(served, ...supplied(), connected(1), connected(2), connected(3));
      all(served, ...[1, 2, 3].flatMap((id) => opened(id, 1, `farm.miner${id}`)));
      const { page, complaints } = await open(served);
      await shownRows(page).nth(2).waitFor(patience);
      all(
        served,
        accepted(2, 1, 'farm.miner2'),
        accepted(2, 1, 'farm.miner2'),
        rejected(2, 1, 'farm.miner2', 'stale-share'),
      );
      const row = shownRows(page).filter({ hasText: 'farm.miner2' });
      await row.getByText('too late: there was a new block').waitFor(patience);
      expect(await row.locator('.accepted').innerText()).toBe('2');
      expect(await row.locator('.device').innerText()).toBe('Bitaxe BM1370 2.9');
      await page
        .getByText('share of farm.miner2 rejected, too late: there was a new block')
        .waitFor(patience);
      expect(await page.locator('.tile', { hasText: 'Workers' }).locator('.figure').innerText()).toBe('3');
      expect(await page.getByText('connected to the template provider').count()).toBe(1);
      expect(complaints).toEqual([]);
    },
  );

  inBrowser('says what to do while there is no miner', async () => {
    const { page, complaints } = await open(await poolPage({ alerts: { upstreamAway: 0 } }));
    await page.getByText('No worker yet: point a miner here.').waitFor(patience);
    await page.getByText('The template provider is away').waitFor(patience);
    expect(complaints).toEqual([]);
  });

  inBrowser('shows what the ledger owes and has paid, and asks what the hash rate was before', async () => {
    const user = `${address}.rig`;
    const account = { ...emptyAccount(user, ''), accepted: 9, difficultySum: 4_500 };
    const hostileAccount = { ...emptyAccount(hostile[0] ?? '', ''), accepted: 1, difficultySum: 1 };
    const payments = [
      { script: '0014751e76e8199196d454941c45d1b3a323f1433bd6', paid: '150000000' },
      { script: '51', paid: '50000000' },
    ];
    const block = { hash: 'aa', height: 1, state: 'found', confirmations: 1, changes: new Map() };
    const served = await poolPage({
      ledger: {
        store: {
          accounts: () => Promise.resolve([account, hostileAccount]),
          blocks: () => Promise.resolve([{ ...block, statement: { payments } } as never]),
        },
      },
    });
    all(served, ...supplied(), connected(1), ...opened(1, 1, user));
    const asked: string[] = [];
    const { page, complaints } = await open(served, size, (path, status) => asked.push(`${status} ${path}`));
    const panel = page.locator('.accounts');
    await panel.getByText('2.00 immature').waitFor(patience);
    await panel.locator('li', { hasText: '1.50 immature' }).getByText('work 4.50 k').waitFor(patience);
    expect(await panel.locator('li').count()).toBe(3);
    expect(asked.filter((line) => line.startsWith('200 /api/v1/history?since='))).toHaveLength(1);
    expect(complaints).toEqual([]);
  });

  inBrowser('shows what miners call themselves as text, whatever it is', async () => {
    const served = await poolPage();
    all(served, ...supplied());
    hostile.forEach((name, index) => {
      const id = index + 1;
      all(
        served,
        connected(id, { vendor: name, hardwareVersion: name, firmware: name }),
        ...opened(id, 1, name),
      );
      all(served, accepted(id, 1, name, name), rejected(id, 1, name, name));
    });
    const { page, complaints } = await open(served);
    await shownRows(page)
      .nth(hostile.length - 1)
      .waitFor(patience);
    await shownRows(page).first().press('Enter');
    await page.locator('dialog[open]').waitFor(patience);
    expect(await page.title()).toBe('pool · rx-sv2');
    expect(await page.locator('#dashboard img, #dashboard script, [onmouseover]').count()).toBe(0);
    const texts = await page.evaluate<string>(
      `document.body.innerText + [...document.querySelectorAll('[title], [aria-label]')]
        .map((element) => element.title + (element.getAttribute('aria-label') ?? '')).join('')`,
    );
    expect(texts.length).toBeGreaterThan(500);
    expect(texts.match(/(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu)).toBeNull();
    expect(await page.evaluate<number>(overflow)).toBeLessThanOrEqual(0);
    expect(complaints).toEqual([]);
  });

  inBrowser(
    'has of 10,000 workers only those in the page that can be seen; finds, sorts and scrolls all',
    async () => {
      const served = await poolPage();
      all(
        served,
        connected(1),
        ...Array.from({ length: 10_000 }, (_, index) => opened(1, index + 1, `m${index + 1}`)).flat(),
      );
      all(served, accepted(1, 77, 'm77'));
      const { page } = await open(served);
      await page.locator('#workers', { hasText: /10\s?000/ }).waitFor(patience);
      expect(await shownRows(page).count()).toBeLessThan(80);
      await page.getByRole('button', { name: 'Worker', exact: true }).click();
      await shownRows(page).first().getByText('m1', { exact: true }).waitFor(patience);
      await page.evaluate(`document.querySelector('.table').scrollTo(0, 1e9)`);
      await shownRows(page).filter({ hasText: 'm10000' }).waitFor(patience);
      expect(await shownRows(page).count()).toBeLessThan(80);
      await page.keyboard.press('/');
      await page.keyboard.type('M77');
      await page.locator('#workers', { hasText: '111 of' }).waitFor(patience);
      await page.getByRole('button', { name: 'Accepted' }).click();
      await shownRows(page).first().getByText('m77', { exact: true }).waitFor(patience);
    },
  );

  inBrowser('is used with the keyboard alone', async () => {
    const served = await poolPage();
    all(served, connected(1), ...opened(1, 1, 'one'), ...opened(1, 2, 'two'));
    const { page } = await open(served);
    await shownRows(page).nth(1).waitFor(patience);
    await page.keyboard.press('/');
    expect(await page.evaluate<string>('document.activeElement.type')).toBe('search');
    await shownRows(page).first().focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.locator('dialog[open] h2', { hasText: 'two' }).waitFor(patience);
    await page.keyboard.press('Escape');
    await page.locator('dialog').waitFor({ ...patience, state: 'detached' });
  });

  inBrowser('says that the server is gone, and goes on by itself when it is back', async () => {
    const first = await poolPage();
    all(first, ...supplied(), connected(1), ...opened(1, 1, 'before'));
    const { page } = await open(first);
    await shownRows(page).filter({ hasText: 'before' }).waitFor(patience);
    first.stop();
    await page.getByText('The line to the server is lost').waitFor(patience);
    // what was known stays, and can be seen to be old
    expect(await shownRows(page).count()).toBe(1);
    expect(await page.title()).toBe('(lost) pool · rx-sv2');
    const second = await poolPage({ port: Number(new URL(first.url).port) });
    all(second, ...supplied(), connected(1), ...opened(1, 1, 'after'));
    await shownRows(page).filter({ hasText: 'after' }).waitFor(patience);
    expect(await shownRows(page).count()).toBe(1);
    expect(await page.getByText('The line to the server is lost').count()).toBe(0);
  });

  inBrowser('asks for the token, says when it is wrong, and keeps it to itself', async () => {
    const served = await poolPage({ token: 'a-token-of-many-letters' });
    all(served, connected(1), ...opened(1, 1, 'one'));
    const { page } = await open(served);
    const field = page.locator('input[type=password]');
    await field.fill('another');
    await field.press('Enter');
    await page.getByText('That is not it.').waitFor(patience);
    await field.fill('a-token-of-many-letters');
    await field.press('Enter');
    await shownRows(page).first().waitFor(patience);
    expect(page.url()).not.toContain('token');
  });

  const widths = [360, 1_024, 1_920];

  for (const count of [0, 3, 10_000])
    inBrowser(`has room for ${count} workers on a phone, a tablet and a wall`, async () => {
      const served = await poolPage();
      const names = Array.from({ length: count }, (_, index) => `${address}.miner${index + 1}`);
      all(served, ...supplied(), connected(1));
      all(served, ...names.flatMap((name, index) => opened(1, index + 1, name)));
      all(served, ...names.slice(0, 100).map((name, index) => accepted(1, index + 1, name)));
      for (const width of widths) {
        const { page, complaints } = await open(served, { width, height: 800 });
        const shown = count === 0 ? page.getByText('No worker yet') : shownRows(page).nth(2);
        await shown.waitFor(patience);
        if (process.env['PICTURES'] !== undefined)
          await page.screenshot({ path: `${process.env['PICTURES']}/${count}-${width}.png` });
        expect(await page.evaluate<number>(overflow)).toBeLessThanOrEqual(0);
        expect(await shownRows(page).count()).toBeLessThan(80);
        expect(complaints).toEqual([]);
      }
    });

  inBrowser('has room on a phone, a tablet and a wall, dark and light', async () => {
    const served = await poolPage();
    all(
      served,
      ...supplied(),
      connected(1),
      ...opened(1, 1, 'w'.repeat(255)),
      accepted(1, 1, 'w'.repeat(255)),
    );
    for (const width of widths) {
      const { page } = await open(served, { width, height: 800 });
      await shownRows(page).first().waitFor(patience);
      for (const colorScheme of ['dark', 'light'] as const) {
        await page.emulateMedia({ colorScheme });
        const background = await page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
        expect(await page.evaluate<number>(overflow)).toBeLessThanOrEqual(0);
        expect(background).toBe(colorScheme === 'dark' ? 'rgb(10, 13, 19)' : 'rgb(238, 241, 246)');
      }
      // the head is one row, and a label of the last moment is not cut
      expect((await page.locator('.top').boundingBox())!.height).toBeLessThan(60);
      const [plot, over] = await Promise.all(
        ['.plot', '.u-over'].map(async (selector) => (await page.locator(selector).boundingBox())!),
      );
      const halfLabel = 22; // of `23:59:59`
      expect(plot!.x + plot!.width - over!.x - over!.width).toBeGreaterThanOrEqual(halfLabel);
    }
  });
});
