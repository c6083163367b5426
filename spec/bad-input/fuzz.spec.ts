import type { Socket } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { encodeFrame } from '../../src/framing/frame.js';
import { eventually } from '../node/support.js';
import { apply, conversation, mutations, stream } from './arbitraries.js';
import {
  badPeer,
  gone,
  goodMiner,
  rawPeer,
  release,
  shakeHands,
  startSite,
  traces,
  virtualClock,
  type GoodMiner,
  type Site,
  type Target,
} from './support.js';

afterEach(release);

const streams = 2_000;
const settings = { seed: 42, numRuns: streams };

/** Writes bytes in two pieces, ends, and waits until the server has closed too. */
async function deliver(socket: Socket, bytes: Uint8Array): Promise<void> {
  const closed = gone(socket);
  const middle = bytes.length >> 1;
  socket.write(bytes.subarray(0, middle));
  socket.end(bytes.subarray(middle));
  await closed;
  socket.destroy();
}

/** Runs something against a site in the company of a miner that behaves, who is heard of all the time. */
async function besides(
  encrypted: boolean,
  attack: (site: Site, good: GoodMiner) => Promise<void>,
): Promise<Site> {
  const clock = virtualClock();
  const site = await startSite({ encrypted, clock });
  const good = await goodMiner(site);
  clock.advance(6_000); // what follows a new template is over
  await good.share();
  const before = traces(clock);
  await attack(site, good);
  await good.share();
  await eventually(() => traces(clock) === before);
  expect(site.clients()).toBe(1);
  good.connection.close();
  await site.stop(); // fails if anything was thrown that nobody foresaw
  return site;
}

/** Runs a property, and has the good miner heard of now and then. */
const often = (good: GoodMiner) => {
  let runs = 0;
  return async (): Promise<void> => {
    if (++runs % 20 === 0) await good.share();
  };
};

const targets = [
  ['pool', 'pool'],
  ['template provider', 'provider'],
] as const;

describe.each(targets)(`the %s survives ${streams} random streams (seed ${settings.seed})`, (_, which) => {
  const numRuns = streams / targets.length;

  test('in plaintext', async () => {
    const site = await besides(false, async (attacked, good) => {
      const goOn = often(good);
      await fc.assert(
        fc.asyncProperty(stream, async (bytes) => {
          await deliver((await rawPeer(attacked[which])).resume(), bytes);
          await goOn();
        }),
        { ...settings, numRuns },
      );
    });
    const outcomes = which === 'pool' ? site.outcomes : site.providerOutcomes;
    // they do get somewhere
    for (const type of ['connected', 'received', 'rejected', 'setupRefused', 'disconnected'])
      expect(outcomes.filter((outcome) => outcome.type === type).length).toBeGreaterThan(numRuns / 20);
  });

  /** What is sent instead of, or inside of, Noise. */
  const attacks: fc.Arbitrary<(target: Target) => Promise<void>> = fc.oneof(
    // no handshake at all, or one that is cut off
    fc
      .oneof(stream, fc.uint8Array({ minLength: 64, maxLength: 400 }))
      .map((bytes) => async (target: Target) => {
        await deliver((await rawPeer(target)).resume(), bytes);
      }),
    // a good handshake, then ciphertext that was changed
    fc.tuple(conversation, mutations).map(([messages, changes]) => async (target: Target) => {
      const socket = await rawPeer(target);
      const { seal } = await shakeHands(socket, target.authorityPublicKey as Uint8Array);
      const sealed = Buffer.concat(messages.map((each) => seal(encodeFrame(each))));
      await deliver(socket.resume(), apply(changes, sealed));
    }),
    // good ciphertext of frames that were changed
    fc.tuple(conversation, fc.array(mutations)).map(([messages, changes]) => async (target: Target) => {
      const peer = await badPeer(target);
      peer.send(
        ...messages
          .map((each, index) => apply(changes[index - 1] ?? [], encodeFrame(each)))
          .filter(({ length }) => length >= 6),
      );
      peer.socket.end();
      await peer.closed;
      peer.socket.destroy();
    }),
  );

  test('in and instead of Noise', async () => {
    const site = await besides(true, async (attacked, good) => {
      const goOn = often(good);
      await fc.assert(
        fc.asyncProperty(attacks, async (attack) => {
          await attack(attacked[which]);
          await goOn();
        }),
        { ...settings, numRuns },
      );
    });
    expect(site.failures.length).toBeGreaterThan(numRuns / 20);
  });
});
