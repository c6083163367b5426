/**
 * Settings by which every hash is a share, so that nobody need hash, and each is answered. Targets stay as they are: vardiff has a burst of
 * shares in one millisecond for a miner without bounds, and takes none for faster than 2^128 hashes a second, of which
 * this rate still wants every one.
 */
export const easyWork = { sharesPerMinute: 1e60, shareBatchSize: 1 };
