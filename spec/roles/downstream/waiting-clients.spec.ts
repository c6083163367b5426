import { describe, expect, it } from '@jest/globals';
import { waitingClients } from '../../../src/roles/downstream/waiting-clients.js';

const hour = 3_600_000;

describe('a miner without a channel', () => {
  it('has to go after an hour, and is told once', () => {
    const waiting = waitingClients({});
    waiting.added(1, 0);
    waiting.added(2, 1_000);
    expect(waiting.due(hour - 1)).toEqual([]);
    expect(waiting.due(hour)).toEqual([1]);
    expect(waiting.due(hour + 999)).toEqual([]);
    expect(waiting.due(hour + 1_000)).toEqual([2]);
  });

  it('may stay for ever if told so', () => {
    const waiting = waitingClients({ firstChannelTimeout: Infinity });
    waiting.added(1, 0);
    expect(waiting.due(1_000 * hour)).toEqual([]);
  });

  it('may stay once it has one, as long as one is left', () => {
    const waiting = waitingClients({ firstChannelTimeout: 1_000 });
    waiting.added(1, 0);
    waiting.channels(1, 1, 500);
    waiting.channels(1, 1, 500);
    waiting.channels(1, -1, 2_000);
    expect(waiting.due(5_000)).toEqual([]);
    waiting.channels(1, -1, 5_000);
    expect(waiting.due(5_999)).toEqual([]);
    expect(waiting.due(6_000)).toEqual([1]);
  });

  it('is forgotten when it is gone, whatever becomes of its channels then', () => {
    const waiting = waitingClients({ firstChannelTimeout: 1_000 });
    waiting.added(1, 0);
    waiting.channels(1, 1, 0);
    waiting.removed(1);
    waiting.channels(1, -1, 0);
    waiting.added(2, 0);
    waiting.removed(2);
    expect(waiting.due(hour)).toEqual([]);
  });

  it('has to go after a minute if too many others are there, the longest there first', () => {
    const waiting = waitingClients({ maxWithoutChannel: 3 });
    for (let clientId = 1; clientId <= 5; clientId++) waiting.added(clientId, clientId * 1_000);
    expect(waiting.due(60_999)).toEqual([]);
    expect(waiting.due(61_000)).toEqual([1]);
    expect(waiting.due(70_000)).toEqual([2]);
    expect(waiting.due(hour)).toEqual([]);
  });

  it('is one of 4,096 at most unless told otherwise', () => {
    const waiting = waitingClients({});
    for (let clientId = 1; clientId <= 4_100; clientId++) waiting.added(clientId, 0);
    expect(waiting.due(60_000)).toEqual([1, 2, 3, 4]);
  });
});
