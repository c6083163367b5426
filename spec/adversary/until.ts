import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until something is so; fails after so many milliseconds. */
export async function until(what: string, milliseconds: number, isSo: () => boolean): Promise<void> {
  const end = performance.now() + milliseconds;
  while (!isSo()) {
    if (performance.now() > end) throw new Error(`not within ${milliseconds} ms: ${what}`);
    await sleep(20);
  }
}
