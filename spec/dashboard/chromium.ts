/** The browser that the page is tested in. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { chromium, type Browser } from 'playwright-core';

const names = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];

/** Where a Chromium is: what `CHROMIUM` says, or on the path. */
function executable(): string | undefined {
  const { CHROMIUM, PATH = '' } = process.env;
  if (CHROMIUM !== undefined) return CHROMIUM;
  return PATH.split(delimiter)
    .flatMap((folder) => names.map((name) => join(folder, name)))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/**
 * Starts the browser. Who has none is told that the page was not looked at, and can go on; where everything has to be
 * tested (`CI`), that fails.
 */
export async function launch(): Promise<Browser | undefined> {
  const executablePath = executable();
  if (executablePath !== undefined)
    return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
  const told = 'no Chromium: install it (Debian: apt-get install chromium) or set CHROMIUM to where it is';
  if (process.env['CI'] !== undefined) throw new Error(told);
  process.stderr.write(`the dashboard was not tested in a browser, as there is ${told}\n`);
  return undefined;
}
