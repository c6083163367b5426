import { describe, expect, it } from '@jest/globals';
import { wireDetails } from '../../../src/node/monitoring/wire-details.js';
import type { Sv1MinerEvent } from '../../../src/roles/translator/sv1-miners.js';

const subscribed = (address: string): Sv1MinerEvent => ({
  address,
  outcome: {
    ...{ type: 'Sv1Subscribed', userAgent: 'cgminer' },
    ...{ extranonce1: Uint8Array.of(1, 2), extranonce2Size: 8 },
  },
});
const authorized = (address: string, user: string): Sv1MinerEvent => ({
  address,
  outcome: { type: 'Sv1Authorized', user },
});
const comes = (clientId: number, address: string) => ({
  ...{ type: 'connected', clientId, client: { peer: { address } }, protocol: 'mining' },
});
const goes = (clientId: number, address: string) => ({
  ...{ type: 'disconnected', clientId, peer: { address }, protocol: 'mining' },
});

describe('miners of Stratum V1', () => {
  it('have what they were told and whom they authorised first, while they are clients', () => {
    const details = wireDetails();
    details.noteSv1(subscribed('a:1'));
    details.noteSv1(authorized('a:1', 'alice'));
    expect(details.ofSv1('a:1')).toBeUndefined();
    details.note(comes(1, 'a:1'));
    details.noteSv1(authorized('a:1', 'bob'));
    expect(details.ofSv1('a:1')).toEqual({ user: 'alice', extranonce1: '0102', extranonce2Size: 8 });
    details.note(goes(1, 'a:1'));
    expect(details.ofSv1('a:1')).toBeUndefined();
  });

  it('that never become clients are forgotten, however many they are, and none who is one', () => {
    const details = wireDetails();
    details.noteSv1(authorized('a:1', 'alice'));
    details.note(comes(1, 'a:1'));
    details.noteSv1(authorized('early:1', 'early'));
    for (let index = 0; index < 100_000; index++) details.noteSv1(subscribed(`scan:${index}`));
    details.noteSv1(authorized('late:1', 'late'));
    details.note(comes(2, 'early:1'));
    details.note(comes(3, 'late:1'));
    expect(details.ofSv1('a:1')?.user).toBe('alice');
    expect(details.ofSv1('early:1')).toBeUndefined();
    expect(details.ofSv1('late:1')?.user).toBe('late');
  });

  it('that are ended before they become clients leave nothing to who has their address next', () => {
    const details = wireDetails();
    details.noteSv1(authorized('a:1', 'alice'));
    details.noteSv1({ address: 'a:1', outcome: { type: 'Sv1Ended', code: 'setup-refused', reason: '' } });
    details.noteSv1(authorized('a:1', 'bob'));
    details.note(comes(1, 'a:1'));
    expect(details.ofSv1('a:1')?.user).toBe('bob');
  });
});
