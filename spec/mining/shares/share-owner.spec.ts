import { describe, expect, it } from '@jest/globals';
import {
  SubmitSharesExtended,
  userIdentityTlv,
  workerHashrateTracking,
} from '../../../src/messages/index.js';
import { channelOwner, shareOwner } from '../../../src/mining/shares/share-owner.js';

const channel = { userIdentity: 'alice' };
const share = SubmitSharesExtended({
  ...{ channelId: 1, sequenceNumber: 1, jobId: 1, nonce: 0, ntime: 0, version: 0 },
  extranonce: new Uint8Array(4),
});

describe('whose a share is', () => {
  it("is the channel's user's, and no worker's unless the share names one", () => {
    expect(shareOwner(channel, share)).toEqual({ userIdentity: 'alice', worker: '' });
    const named = { ...share, tlvs: [userIdentityTlv('rig1')] };
    expect(shareOwner(channel, named)).toEqual({ userIdentity: 'alice', worker: 'rig1' });
  });

  it('cannot be told when the name is too long', () => {
    const tlv = { extensionType: workerHashrateTracking, fieldType: 1, value: new Uint8Array(33) };
    expect(() => shareOwner(channel, { ...share, tlvs: [tlv] })).toThrow(
      expect.objectContaining({ code: 'value-out-of-range' }),
    );
    expect(channelOwner(channel)).toEqual({ userIdentity: 'alice', worker: '' });
  });

  it("is nobody's without a channel", () => {
    expect(channelOwner(undefined)).toEqual({ userIdentity: null, worker: '' });
  });
});
