import { describe, expect, it } from '@jest/globals';
import { presentClients } from '../../../src/node/cluster/present-clients.js';

const outcome = (type: string, clientId: number, fields: object = {}) => ({ type, clientId, ...fields });

describe('who is at a front', () => {
  it('is told anew to a core that did not see them come, with the channels that they have and their last targets', () => {
    const present = presentClients();
    for (const one of [
      outcome('connected', 1),
      outcome('connected', 2),
      outcome('ChannelOpened', 1, { channelId: 1, target: 'easy' }),
      outcome('ChannelOpened', 1, { channelId: 2, target: 'easy' }),
      outcome('ChannelOpened', 2, { channelId: 1, target: 'easy' }),
      outcome('ShareAccepted', 1, { channelId: 1 }),
      outcome('TargetChanged', 1, { channelId: 1, target: 'hard' }),
      outcome('ChannelClosed', 1, { channelId: 2 }),
      outcome('disconnected', 2),
      outcome('TargetChanged', 2, { channelId: 1, target: 'hard' }),
      outcome('ChannelOpened', 3, { channelId: 1 }), // whose connection was not seen
    ])
      present.note(one);
    expect(present.outcomes()).toEqual([
      outcome('connected', 1),
      outcome('ChannelOpened', 1, { channelId: 1, target: 'hard' }),
    ]);
  });
});
