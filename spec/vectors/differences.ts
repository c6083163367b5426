/**
 * Where rx-sv2 answers a vector of the reference implementation otherwise, on purpose, and why. The specs beside
 * this file require that these vectors differ and that no others do.
 */
export interface Difference {
  /** The files of spec/vectors/sri that it shows in. */
  readonly files: readonly ('messages' | 'bitcoin' | 'shares')[];
  /** Which vectors differ. */
  readonly vectors: string;
  /** What the reference does. */
  readonly reference: string;
  /** What rx-sv2 does, and why. */
  readonly ours: string;
  /** Where the specification, or what Bitcoin nodes do, decides it. */
  readonly source: string;
}

/** By name. */
export const differences = {
  tlvByteOrder: {
    files: ['messages'],
    vectors: 'frames with TLVs, with the bytes of their types and lengths swapped',
    reference: 'writes and reads type and length of a TLV little-endian, and finds no TLV in these',
    ours: 'writes them little-endian, and reads big-endian ones too, as the bytes of the specification show',
    source: 'spec §3.1: always little-endian; the examples of §3.4.3 and extension 0x0002 §2 are big-endian',
  },
  nbitsOutOfRange: {
    files: ['bitcoin'],
    vectors: 'nbits that are negative or overflow',
    reference: 'takes them for zero, or shifts them with wrap-around',
    ours: 'refuses them: no such block can be valid',
    source: 'Bitcoin Core, CheckProofOfWork',
  },
  hashrateOverflow: {
    files: ['bitcoin'],
    vectors: 'hashRateFromTarget beyond 128 bits',
    reference: 'returns the low 128 bits of the quotient, or an arithmetic error',
    ours: 'returns the hash rate',
    source: 'not specified; the truncated number is no hash rate',
  },
  hashrateOfManyShares: {
    files: ['bitcoin'],
    vectors: 'hashRateFromTarget at 6,000 shares a minute and more',
    reference: 'divides by the time per share in whole hundredths of a second, which is zero',
    ours: 'returns the hash rate',
    source: 'not specified',
  },
  coinbaseNotParsed: {
    files: ['bitcoin'],
    vectors: 'merkleRoots of what is no coinbase',
    reference: 'parses the coinbase for every merkle root, and has none for what is no coinbase',
    ours: 'hashes it: jobs are made of well-formed parts, and the length of an extranonce is checked before',
    source: 'spec §5.3.16',
  },
  rewardsBelowValue: {
    files: ['bitcoin'],
    vectors: 'jobs that pay less than the template has to give',
    reference: 'makes no job (`InvalidCoinbaseOutputsSum`)',
    ours: 'makes the job: a pool may pay less, the rest is lost',
    source: 'spec §7.2: up to coinbase_tx_value_remaining',
  },
  scriptSigSizeAtOpening: {
    files: ['shares'],
    vectors: 'channels whose coinbase cannot fit its scriptSig',
    reference: 'refuses to open the channel (`ScriptSigSizeTooLarge`)',
    ours: 'has one tag and one extranonce size for all channels, and fails when the server is made',
    source: 'not specified',
  },
  targetAboveMaximum: {
    files: ['shares'],
    vectors: 'setTarget above the largest target that the client accepts',
    reference: 'sets it',
    ours: "sets the client's largest instead",
    source: 'spec §5.3.2 and §5.3.7: max_target is the largest that the device can be given',
  },
  extranoncePrefixSize: {
    files: ['shares'],
    vectors: 'setExtranoncePrefix of another size than the channel had',
    reference: 'makes the whole extranonce longer or shorter, up to what fits the scriptSig',
    ours: 'allocates prefixes itself, all of one size, as all channels of a group must have the same size',
    source: 'spec §5.1.2.1, §5.3.10',
  },
  groupMembersAlike: {
    files: ['shares'],
    vectors: 'groups joined by channels of another extranonce size or rule for version rolling',
    reference: 'refuses such a member (`FullExtranonceSizeMismatch`), or gives it no jobs',
    ours: 'has one extranonce size and one rule for version rolling for all channels of a server',
    source: 'spec §5.2.3',
  },
  pastJobs: {
    files: ['shares'],
    vectors: 'channels with maxPastJobs',
    reference: 'lets a server choose how many past jobs a channel keeps, 16 by default',
    ours: 'keeps 16',
    source: 'not specified',
  },
  creditOfBlocks: {
    files: ['shares'],
    vectors: 'blocks whose hash misses the target of their job, and sums that have one',
    reference: "credits a block with the difficulty of its job's target, whether it meets that or not",
    ours: 'credits it only if it meets that: no share is worth more than the work it took',
    source: 'spec §5.3.13',
  },
  unknownTemplate: {
    files: ['shares'],
    vectors: 'a SetNewPrevHash for a template that was never sent',
    reference: 'answers with an error and goes on with the work on the previous hash before',
    ours: 'ends that work at once: its shares are worth nothing on the new tip',
    source: 'spec §7.3, §5.3.17',
  },
  stillStale: {
    files: [],
    vectors: 'shares for jobs of two previous hashes ago, where the last two came without a template (live only)',
    reference: 'no longer knows the jobs (`invalid-job-id`)',
    ours: 'knows them until there is other work (`stale-share`): the miner was never given any, and is not told that it is at fault',
    source: 'spec §5.3.14: neither is specified; both reject',
  },
  bestDifficulty: {
    files: ['shares'],
    vectors: 'accounting of channels that found a block',
    reference: 'leaves blocks out of the best difficulty',
    ours: 'counts them: a block is the best share there is',
    source: 'not specified',
  },
  witnessWithoutCommitment: {
    files: ['bitcoin', 'shares'],
    vectors: 'coinbases of blocks without witness commitment',
    reference: 'gives every coinbase a witness',
    ours: 'gives it one only if the block has a witness commitment: without, nodes refuse a block with witness',
    source: 'BIP 141; Bitcoin Core, unexpected-witness',
  },
  coinbaseOfGroupJob: {
    files: ['shares'],
    vectors: 'blocks of standard channels on jobs of their group',
    reference: "repeats the template's outputs in the coinbase it returns, which is not the one that was mined",
    ours: 'returns the coinbase that was mined',
    source: 'spec §7.7',
  },
  customJobTip: {
    files: [],
    vectors: 'custom jobs of another prev_hash or nbits than the chain tip (live only)',
    reference: 'has the channel take any, and leaves the tip to a judge beside it',
    ours: 'refuses them (`stale-chain-tip`, `invalid-nbits`): what is mined on them is no block',
    source: 'spec §5.3.18',
  },
  customJobTime: {
    files: [],
    vectors: 'custom jobs whose min_ntime is more than two hours ahead (live only)',
    reference: 'has the channel take any',
    ours: 'refuses them (`invalid-min-ntime`): no node would take their blocks',
    source: 'Bitcoin Core, time-too-new',
  },
  customJobPath: {
    files: [],
    vectors: 'custom jobs with more than 24 hashes in their merkle path (live only)',
    reference: 'takes up to 255',
    ours: 'refuses them (`invalid-merkle-path`): no block has room for so many transactions',
    source: 'BIP 141: 4,000,000 weight units',
  },
  customJobTrailing: {
    files: [],
    vectors: 'custom jobs with bytes behind the last of coinbase_tx_outputs (live only)',
    reference: 'reads past them, and makes the job without them',
    ours: 'refuses them (`invalid-coinbase-tx-outputs`): what was said is not what would be mined',
    source: 'spec §5.3.18: the outputs, serialised',
  },
  declarationUnpaid: {
    files: [],
    vectors: "declarations whose coinbase pays the pool's script nothing, or not all of what there is (live only)",
    reference: 'accepts them',
    ours: 'refuses them (`pool-payout-script-missing`, `invalid-coinbase-tx-outputs`) with what is missing',
    source: 'spec §6.4.3: the server should reject them',
  },
  declarationBytes: {
    files: [],
    vectors: 'coinbases with bytes behind their end, or with a scriptSig that leaves more room than an extranonce can have (live only)',
    reference: 'reads past them, and fills any room',
    ours: 'refuses them (`invalid-coinbase-tx`): what was said is not what would be mined, or cannot be',
    source: 'spec §5.3.3: 32 bytes',
  },
  declarationCode: {
    files: [],
    vectors: 'declarations that both refuse (live only)',
    reference: "`invalid-job` for all that Core's checkBlock refuses, `stale-chain-tip` when the coinbase is of another height or its own template has just been renewed, `missing-txs` before it looks at the coinbase; no details",
    ours: 'looks at the coinbase first: `invalid-coinbase-tx`, `invalid-coinbase-tx-input`, `invalid-coinbase-tx-outputs`, `pool-payout-script-missing`; details say what was expected and what came',
    source: "spec §6.4.7: codes are the server's",
  },
} as const satisfies Record<string, Difference>;

/** The name of a difference. */
export type DifferenceName = keyof typeof differences;

/** The names of the differences that show in a file, sorted. */
export const differencesIn = (file: Difference['files'][number]): string[] =>
  Object.entries<Difference>(differences)
    .filter(([, { files }]) => files.includes(file))
    .map(([name]) => name)
    .sort();
