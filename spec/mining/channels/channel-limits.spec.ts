import { describe, expect, it } from '@jest/globals';
import { CloseChannel, miningSetupFlags } from '../../../src/messages/index.js';
import { extranonceAllocator, miningServer, type MiningServerOptions } from '../../../src/mining/index.js';
import { NOW, openStandard, payoutOutputs } from '../support.js';

const serverOf = (options: Partial<MiningServerOptions>) =>
  miningServer({
    payoutOutputs,
    sharesPerMinute: 6,
    shareBatchSize: 1,
    extranonce: extranonceAllocator(),
    ...options,
  });

/** Opens channels for a client, as many as are wanted; returns how many were opened. */
function opened(server: ReturnType<typeof serverOf>, clientId: number, count: number): number {
  const codes = Array.from({ length: count }, () => server.handle(clientId, openStandard(), NOW)).map(
    ({ outcomes: [outcome] }) => (outcome?.type === 'ChannelRefused' ? outcome.errorCode : outcome?.type),
  );
  expect(codes.filter((code) => code !== 'ChannelOpened' && code !== 'too-many-channels')).toEqual([]);
  return codes.filter((code) => code === 'ChannelOpened').length;
}

describe('open channels are limited', () => {
  it('for one client, to 1,000 unless told otherwise', () => {
    const server = serverOf({});
    server.addClient(1, 0, 'a');
    expect(opened(server, 1, 1_001)).toBe(1_000);
    server.addClient(2, 0, 'a');
    expect(opened(server, 2, 1)).toBe(1);
  });

  it('for the clients of one address together', () => {
    const server = serverOf({ maxChannelsPerAddress: 3 });
    for (const [clientId, address] of [
      [1, 'a'],
      [2, 'a'],
      [3, 'b'],
      [4, undefined],
    ] as const)
      server.addClient(clientId, 0, address);
    expect(opened(server, 1, 2)).toBe(2);
    expect(opened(server, 2, 2)).toBe(1);
    expect(opened(server, 3, 2)).toBe(2);
    expect(opened(server, 4, 5)).toBe(5);
  });

  it('in all', () => {
    const server = serverOf({ maxChannels: 3 });
    server.addClient(1, 0, 'a');
    server.addClient(2, 0, 'b');
    expect(opened(server, 1, 2)).toBe(2);
    expect(opened(server, 2, 2)).toBe(1);
  });

  it('and there is room again when some are closed, by whomever', () => {
    const server = serverOf({ maxChannels: 2, maxChannelsPerAddress: 2 });
    server.addClient(1, 0, 'a');
    server.addClient(2, 0, 'a');
    expect(opened(server, 1, 3)).toBe(2);
    const [first] = [...server.channels()].map(([, { channelId }]) => channelId);
    server.handle(1, CloseChannel({ channelId: first ?? 0, reasonCode: '' }), NOW);
    expect(opened(server, 2, 3)).toBe(1);
    server.removeClient(1);
    expect(opened(server, 2, 3)).toBe(1);
    const [own] = [...server.channels()].map(([, { channelId }]) => channelId);
    server.closeChannel(2, own ?? 0, '');
    expect(opened(server, 2, 3)).toBe(1);
  });
});

it('a client that requires version rolling is not taken where jobs do not allow it', () => {
  const { requiresVersionRolling } = miningSetupFlags;
  expect(() => serverOf({ versionRollingAllowed: false }).addClient(1, requiresVersionRolling)).toThrow(
    'client 1 requires version rolling, which the jobs here do not allow',
  );
  expect(() => serverOf({ versionRollingAllowed: false }).addClient(1, 0)).not.toThrow();
  expect(() => serverOf({}).addClient(1, requiresVersionRolling)).not.toThrow();
});
