import { afterEach, describe, expect, it } from '@jest/globals';
import { catchError, ignoreElements, of, take, toArray, firstValueFrom } from 'rxjs';
import { defaultCrypto } from '../../src/crypto/index.js';
import { generateAuthorityKeyPair } from '../../src/noise/index.js';
import { createClient, type MiningClientHandler } from '../../src/service/index.js';
import { eventually } from '../node/support.js';
import {
  dial,
  goodMiner,
  release,
  startSite,
  traces,
  virtualClock,
  type Clock,
  type Site,
} from './support.js';

afterEach(release);

const idle: MiningClientHandler = (event$) => event$.pipe(ignoreElements());
const hour = 3_600_000;

/** A clock that is wrong by so many milliseconds. */
const wrongBy = (clock: Clock, milliseconds: number): Clock => ({
  now: () => clock.now() + milliseconds,
  schedule: clock.schedule,
  advance: clock.advance,
  get pending() {
    return clock.pending;
  },
});

describe('a server whose certificate cannot be trusted', () => {
  const cases = [
    [
      'by another authority',
      0,
      generateAuthorityKeyPair(defaultCrypto).publicKey,
      'certificate-wrong-authority',
    ],
    ['expired', 2 * hour, undefined, 'certificate-expired'],
    ['not valid yet', -hour, undefined, 'certificate-not-yet-valid'],
  ] as const;

  /** The site, and a connector of a client whose clock or key does not suit it. */
  async function mismatch(milliseconds: number, key: Uint8Array | undefined) {
    const clock = virtualClock();
    const site = await startSite({ encrypted: true, clock });
    const target = key === undefined ? site.pool : { ...site.pool, authorityPublicKey: key };
    return { clock, site, connector: dial(target, wrongBy(clock, milliseconds)) };
  }

  async function expectUndisturbed(site: Site, clock: Clock, misbehave: () => Promise<void>): Promise<void> {
    const good = await goodMiner(site);
    await good.share();
    const before = traces(clock);
    await misbehave();
    await good.share();
    await eventually(() => traces(clock) === before);
    good.connection.close();
    await site.stop();
  }

  it.each(cases)('is refused: %s', async (_case, milliseconds, key, code) => {
    const { clock, site, connector } = await mismatch(milliseconds, key);
    await expectUndisturbed(site, clock, async () => {
      for (let dials = 1; dials <= 20; dials++) {
        const client = createClient({ mining: { connect: connector, handler: idle } });
        const seen = await firstValueFrom(
          client.start().pipe(
            catchError((error: unknown) => of({ type: 'failed', error })),
            toArray(),
          ),
        );
        expect(seen).toMatchObject([
          { type: 'disconnected', reason: { code } },
          { type: 'failed', error: { code } },
        ]);
        // the server learns no more than that it was left
        await eventually(() => site.outcomes.filter(({ type }) => type === 'disconnected').length === dials);
      }
    });
  });

  it('is dialled again by a client that is told to, and never sent anything', async () => {
    const { clock, site, connector } = await mismatch(0, new Uint8Array(32).fill(2));
    await expectUndisturbed(site, clock, async () => {
      const received = site.outcomes.filter(({ type }) => type === 'received').length;
      const client = createClient({
        mining: { connect: connector, handler: idle },
        reconnect: { initialDelay: 0 },
      });
      const seen = await firstValueFrom(client.start().pipe(take(6), toArray()));
      expect(seen.map(({ type }) => type)).toEqual([
        'disconnected',
        'reconnecting',
        'disconnected',
        'reconnecting',
        'disconnected',
        'reconnecting',
      ]);
      expect(site.outcomes.filter(({ type }) => type === 'received')).toHaveLength(received);
    });
  });
});
