import { expect, it } from '@jest/globals';
import { concat, mergeMap, NEVER, of, range, timer } from 'rxjs';
import type { Hasher, HashEvent } from '../../../src/roles/miner/hasher.js';
import { sharesPerSecond } from '../../../src/roles/miner/share-limit.js';
import { mineSv1 } from '../../../src/roles/miner/sv1-miner.js';
import { testSv1Connection } from '../../../src/testing/index.js';
import { only, virtually } from '../support.js';

const mainnet = '170331db';
const regtest = '207fffff';

/** What a server says that sets a difficulty which every hash meets, and gives a job that lasts. */
const server = (nbits: string): readonly string[] => [
  '{"id":1,"result":[[["mining.notify","1"]],"aabbccdd",4],"error":null}',
  '{"id":3,"result":true,"error":null}',
  '{"id":null,"method":"mining.set_difficulty","params":[1e-9]}',
  `{"id":null,"method":"mining.notify","params":["1","${'00'.repeat(32)}","01","02",[],"20000000","${nbits}","65000000",true]}`,
];

/** Finds a thousand shares a second, all of them with other nonces. */
const flooding: Hasher = {
  hash: () =>
    timer(0, 1_000).pipe(
      mergeMap((second) => range(1_000 * second, 1_000)),
      mergeMap((nonce): readonly HashEvent[] => [{ type: 'found', nonce, version: 0x2000_0000 }]),
    ),
};

/** What a miner sends and tells in so many seconds of a server whose difficulty is far too low. */
function flooded(seconds: number, nbits: string) {
  const connection = testSv1Connection(concat(timer(1).pipe(mergeMap(() => server(nbits))), NEVER));
  const { sent, miner } = virtually(seconds, () => ({
    sent: connection.sent$,
    miner: mineSv1({
      connect: of(connection),
      user: 'bob',
      hasher$: concat(of(flooding), NEVER),
    }),
  }));
  const withheld = only(miner, 'SharesWithheld').map(({ count }) => count as number);
  return { submits: only(sent, 'mining.submit').length, found: only(miner, 'ShareFound').length, withheld };
}

it('a miner of Stratum V1 sends a hundred shares a second at most, and says how many it keeps to itself', () => {
  // a burst, and what is found at 1, 2 … 10 s; told at the end of each second
  const { submits, found, withheld } = flooded(10.5, mainnet);
  expect(submits).toBe(2 * sharesPerSecond + 10 * sharesPerSecond);
  expect(found).toBe(submits);
  expect(withheld).toEqual([800, ...Array<number>(9).fill(900)]);
});

it('a miner of Stratum V1 sends what is a block all the same', () => {
  const { submits, withheld } = flooded(1.5, regtest);
  // as many again: every second hash is one
  expect(submits).toBe(2 * (2 + 1) * sharesPerSecond);
  expect(withheld).toEqual([600]);
});
