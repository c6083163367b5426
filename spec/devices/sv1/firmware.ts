/**
 * What miners of Stratum V1 in the field send, and what breaks them, as data. The facts are from the firmware's own sources
 * (ESP-Miner's components/stratum, NerdMiner_v2's src/stratum.cpp, shufps/ESP-Miner-NerdQAxePlus#572), from DATUM's
 * datum_stratum.c, and from stratum-mining/stratum#1173 and #1861; where they say nothing of a handshake it is cgminer's.
 */

/** A firmware, as much of it as a server can notice. */
export interface Sv1Firmware {
  readonly name: string;
  /**
   * The lines of its handshake with `USER` for the user. Those of a group leave together, and a group when all
   * requests of the one before are answered.
   */
  readonly handshake: readonly (readonly string[])[];
  /** Whether it takes the first line that comes for the answer to `mining.subscribe`. */
  readonly firstLineIsSubscription?: boolean;
  /** Whether an answer to `mining.configure` with a key that was not asked for makes it go. */
  readonly isStrictInConfigure?: boolean;
  /** Whether shares have a sixth parameter, the version's bits. */
  readonly sendsVersionBits: boolean;
  /** Whether nonces have eight digits always. */
  readonly padsNonces: boolean;
  /** Bytes of extranonce2 that it can do with. */
  readonly extranonce2: readonly [least: number, most: number];
  /** Bytes of the longest coinbase. */
  readonly coinbase: number;
  /** Bytes of the longest line. */
  readonly line: number;
  /** Characters of its user that it sends. */
  readonly user: number;
  /** The least difficulty at which it takes a pool. */
  readonly leastDifficulty: number;
  /** Whether it reads the outputs in the coinbase. */
  readonly readsCoinbase?: boolean;
}

const request = (id: number, method: string, params: string): string =>
  `{"id": ${id}, "method": "${method}", "params": ${params}}`;
const subscribe = (id: number, userAgent: string): string =>
  request(id, 'mining.subscribe', `["${userAgent}"]`);
const authorize = (id: number): string => request(id, 'mining.authorize', '["USER", "x"]');
const configure = (id: number, parameters: string): string =>
  request(id, 'mining.configure', `[["version-rolling"], {${parameters}}]`);

/** A firmware that says no more than cgminer does, one request after the other. */
const plain: Omit<Sv1Firmware, 'name' | 'handshake'> = {
  sendsVersionBits: false,
  padsNonces: true,
  extranonce2: [1, 16],
  coinbase: Infinity,
  line: 16_384,
  user: Infinity,
  leastDifficulty: 0,
};
const oneByOne = (userAgent: string): Sv1Firmware['handshake'] => [[subscribe(1, userAgent)], [authorize(2)]];
const rolling = (userAgent: string, parameters: string): Sv1Firmware['handshake'] => [
  [configure(1, parameters)],
  [subscribe(2, userAgent)],
  [authorize(3)],
];

/** As Bitaxe's firmware has it: pipelined, extranonce afterwards; that it asks for a difficulty is a setting. */
const bitaxe = (userAgent: string): Sv1Firmware['handshake'] => [
  [configure(1, '"version-rolling.mask": "ffffffff"'), subscribe(2, userAgent), authorize(3)],
  [request(4, 'mining.extranonce.subscribe', '[]')],
];

/** Those that are known, by what they are. */
export const sv1Firmware: readonly Sv1Firmware[] = [
  {
    ...plain,
    name: 'Bitaxe',
    handshake: bitaxe('bitaxe/BM1370/v2.9.0'),
    sendsVersionBits: true,
    extranonce2: [1, 32],
  },
  {
    ...plain,
    name: 'Bitaxe fork',
    handshake: [bitaxe('axe-fork/BM1366')[0] as readonly string[]],
    sendsVersionBits: true,
    extranonce2: [1, 8],
  },
  {
    ...plain,
    name: 'NerdQAxe+',
    handshake: bitaxe('NerdQAxePlus/BM1368/1.0'),
    sendsVersionBits: true,
    readsCoinbase: true,
  },
  {
    ...plain,
    name: 'NerdMiner v2',
    handshake: [
      ['{"id": 1, "method": "mining.subscribe", "params": ["NerdMinerV2/1.8"]}'],
      [
        '{"params": ["USER", "x"], "id": 2, "method": "mining.authorize"}',
        '{"id": 3, "method": "mining.suggest_difficulty", "params": [0.00015]}',
      ],
    ],
    firstLineIsSubscription: true,
    padsNonces: false,
    line: 4_096,
  },
  {
    ...plain,
    name: 'cpuminer',
    handshake: rolling(
      'cpuminer/2.5.1',
      '"version-rolling.mask": "1fffe000", "version-rolling.min-bit-count": "02"',
    ),
    sendsVersionBits: true,
  },
  {
    ...plain,
    name: 'Antminer S9',
    handshake: rolling(
      'bmminer/2.0.0',
      '"version-rolling.mask": "1fffe000", "version-rolling.min-bit-count": 2',
    ),
    sendsVersionBits: true,
    extranonce2: [4, 8],
    coinbase: 750,
  },
  {
    ...plain,
    name: 'Antminer S19',
    handshake: rolling(
      'Antminer S19 Pro/Mon Jul 4 2022',
      '"version-rolling.mask": "1fffe000", "version-rolling.min-bit-count": 2',
    ),
    sendsVersionBits: true,
    extranonce2: [4, 8],
    coinbase: 750,
  },
  {
    ...plain,
    name: 'Antminer S21',
    handshake: rolling(
      'Antminer S21/Mon Jul 4 2024',
      '"version-rolling.mask": "1fffe000", "version-rolling.min-bit-count": 2',
    ),
    sendsVersionBits: true,
    extranonce2: [4, 8],
    coinbase: 2_250,
  },
  {
    ...plain,
    name: 'Whatsminer',
    handshake: rolling('whatsminer/v1.1', '"version-rolling.mask": "ffffffff"'),
    isStrictInConfigure: true,
    sendsVersionBits: true,
    extranonce2: [1, 8],
    coinbase: 6_500,
    user: 127,
  },
  { ...plain, name: 'Avalon', handshake: oneByOne('cgminer/4.11.1'), user: 63 },
  {
    ...plain,
    name: 'Braiins OS',
    handshake: rolling(
      'bosminer-plus-tuner 0.2.0',
      '"version-rolling.mask": "1fffe000", "version-rolling.min-bit-count": 16',
    ),
    sendsVersionBits: true,
  },
  { ...plain, name: 'ePIC', handshake: oneByOne('PowerPlay-BM/1.2.0'), coinbase: 16_384 },
  { ...plain, name: 'vnish', handshake: oneByOne('xminer-1.2.6'), coinbase: 16_384 },
  {
    ...plain,
    name: 'NiceHash',
    handshake: [
      [subscribe(1, 'NiceHash/1.0.0')],
      [authorize(2), request(3, 'mining.extranonce.subscribe', '[]')],
    ],
    extranonce2: [7, 16],
    coinbase: 500,
    leastDifficulty: 500_000,
  },
  {
    ...plain,
    name: 'MiningRigRentals',
    handshake: oneByOne('MiningRigRentals/1.0'),
    extranonce2: [7, 16],
    leastDifficulty: 1_000_000,
  },
  {
    ...plain,
    name: 'Braiins hashpower marketplace',
    handshake: [[request(1, 'mining.subscribe', '[]')], [authorize(2)]],
    extranonce2: [7, 16],
  },
  {
    ...plain,
    name: 'a proxy with miners of its own',
    handshake: oneByOne('stratum-proxy/1.2'),
    extranonce2: [8, 16],
  },
];
