/** What a state knows of those who are served: plain data, as JSON has it. */
import type { Shares } from './tally.js';
import type { HashRates } from './windows.js';

/** A client that is connected. */
export interface ClientState {
  readonly clientId: number;
  /** `host:port`. */
  readonly address: string;
  readonly encrypted: boolean;
  readonly protocol: 'mining' | 'jobDeclaration' | 'templateDistribution';
  /** The protocol version both speak. */
  readonly version: number;
  /** The flags of its SetupConnection. */
  readonly flags: number;
  /** What it says of itself in SetupConnection. */
  readonly vendor: string;
  readonly hardwareVersion: string;
  readonly firmware: string;
  readonly deviceId: string;
  readonly extensions: readonly number[];
  /** Milliseconds since 1970. */
  readonly connectedAt: number;
  /** How many channels it has open. */
  readonly channels: number;
  readonly shares: Shares;
  /** How many of its messages it may not have sent. */
  readonly rejectedMessages: number;
}

/** A channel that is open. */
export interface ChannelState {
  readonly clientId: number;
  readonly channelId: number;
  readonly kind: 'standard' | 'extended';
  /** The user identity that it was opened with. */
  readonly user: string;
  /** Hashes per second, as the client says. */
  readonly nominalHashRate: number;
  /** Of jobs to come. */
  readonly difficulty: number;
  /** Of jobs to come: 64 hex digits, big-endian, as people read them. */
  readonly target: string;
  /** The largest that the client accepts, in the same form. */
  readonly maxTarget: string;
  /** Milliseconds since 1970. */
  readonly openedAt: number;
  readonly shares: Shares;
  readonly hashRate: HashRates;
}

/** Somebody who opened channels: all shares of one user identity. */
export interface UserState {
  readonly user: string;
  readonly openChannels: number;
  /** How many workers it has that are told apart. */
  readonly workers: number;
  /** When it was seen first, in milliseconds since 1970. */
  readonly since: number;
  readonly shares: Shares;
  readonly hashRate: HashRates;
}

/** A worker of a user. Those without a share are left out if the user has others. */
export interface WorkerState {
  readonly user: string;
  /** As shares name it (extension 0x0002); empty for shares that name none. */
  readonly worker: string;
  /** Whose channel it has, or had last. */
  readonly clientId: number;
  readonly channelId: number;
  /** Whether that channel is open. */
  readonly isConnected: boolean;
  /** What that client says of itself: `vendor hardwareVersion firmware`, and where it comes from. */
  readonly device: string;
  readonly address: string;
  /** When it was seen first, in milliseconds since 1970. */
  readonly since: number;
  readonly shares: Shares;
  readonly hashRate: HashRates;
}

/** Those who are served, and what they deliver. */
export interface DownstreamState {
  /** Clients whose SetupConnection was accepted, in the order in which they came. */
  readonly clients: readonly ClientState[];
  /** Open channels, in the order in which they were opened. */
  readonly channels: readonly ChannelState[];
  /** Users with open channels, and those without that were there last: as many as `maxUsers`. */
  readonly users: readonly UserState[];
  /** Workers of these, at most `maxWorkers`; those that are silent stay. */
  readonly workers: readonly WorkerState[];
  /** All shares since the start, those of nobody above too. */
  readonly shares: Shares;
  readonly hashRate: HashRates;
}
