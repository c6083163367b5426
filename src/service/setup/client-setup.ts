import { quoted } from '../../codec/printable.js';
import {
  type Reconnect,
  SetupConnection,
  SetupConnectionError,
  SetupConnectionSuccess,
} from '../../messages/common.js';
import { subprotocols, type Subprotocol } from '../../messages/define-message.js';
import { RequestExtensions } from '../../messages/extensions.js';
import type { Message } from '../../messages/registry.js';
import type { Connector, Endpoint, Peer } from '../../transport/connection.js';
import { ServiceError } from '../errors.js';
import type { ExtensionPolicy } from '../extensions/negotiation.js';
import { outgoing } from '../sessions/outgoing.js';
import type { Versions } from './server-setup.js';

/** The version in package.json, which cannot be read everywhere. */
const version = '0.1.0';

/** What a client says of itself in SetupConnection (spec §3.6.1). At most 255 bytes each, no control characters. */
export interface Device {
  /** Manufacturer or developer; `rx-sv2` unless given. */
  readonly vendor?: string;
  /** The hardware or software package; `JavaScript` unless given. */
  readonly hardwareVersion?: string;
  /** Name and version of the firmware; `rx-sv2 0.1.0` (the version of this library) unless given. */
  readonly firmware?: string;
  /** Empty unless given: a client that sends no telemetry should leave it so. */
  readonly deviceId?: string;
}

/** The extensions a client asks for, and how long it waits for an answer. */
export interface ClientExtensionPolicy extends ExtensionPolicy {
  /**
   * Milliseconds after which a server that does not answer is taken to know no extensions (extension 0x0001
   * §4.3); 1,000 unless given.
   */
  readonly timeout?: number;
}

/** What goes into SetupConnection. */
export interface ClientSetup {
  readonly protocol: Subprotocol;
  readonly flags: number;
  readonly versions: Versions;
  readonly device: Device;
}

/** SetupConnection was refused by the server (spec §3.6.3). */
export class SetupRefusedError extends ServiceError {
  /**
   * @param errorCode the server's word, such as `unsupported-feature-flags`
   * @param flags the flags it does not support
   */
  constructor(
    readonly errorCode: string,
    readonly flags: number,
  ) {
    const shown = flags === 0 ? '' : `, flags 0x${flags.toString(16)}`;
    super('setup-connection-error', `the server refused SetupConnection: ${quoted(errorCode)}${shown}`, {
      errorCode,
      flags,
    });
  }
}

/** The message that opens a connection to `endpoint`; `''` and 0 stand for an unknown one. */
export function setupConnectionOf(
  { protocol, flags, versions, device }: ClientSetup,
  endpoint: Endpoint | undefined,
): SetupConnection {
  return SetupConnection({
    protocol: subprotocols.indexOf(protocol),
    minVersion: versions.min,
    maxVersion: versions.max,
    flags,
    endpointHost: endpoint?.host ?? '',
    endpointPort: endpoint?.port ?? 0,
    vendor: device.vendor ?? 'rx-sv2',
    hardwareVersion: device.hardwareVersion ?? 'JavaScript',
    firmware: device.firmware ?? `rx-sv2 ${version}`,
    deviceId: device.deviceId ?? '',
  });
}

/**
 * Checks that what a client has to say in a setup can be encoded.
 * @throws ServiceError `invalid-configuration`; its cause names the field
 */
export function checkSetup(
  setup: ClientSetup,
  endpoint: Endpoint | undefined,
  extensions: ExtensionPolicy,
): void {
  try {
    const message = setupConnectionOf(setup, endpoint);
    SetupConnection.size(message);
    outgoing([message], []);
    RequestExtensions.size({ requestId: 0, requestedExtensions: extensions.supported });
  } catch (error) {
    throw new ServiceError(
      'invalid-configuration',
      `client: ${setup.protocol}: ${(error as Error).message}`,
      { protocol: setup.protocol },
      error,
    );
  }
}

/**
 * Reads the answer to SetupConnection.
 * @returns the version and flags agreed upon
 * @throws SetupRefusedError; ServiceError `setup-connection-required` if it is no answer,
 * `setup-connection-error` if it names a version that was not offered
 */
export function readSetupAnswer(
  message: Message,
  versions: Versions,
): { readonly version: number; readonly flags: number } {
  if (SetupConnectionError.match(message)) throw new SetupRefusedError(message.errorCode, message.flags);
  if (!SetupConnectionSuccess.match(message)) {
    throw new ServiceError(
      'setup-connection-required',
      `expected an answer to SetupConnection, got ${message.type}`,
      { type: message.type },
    );
  }
  const { usedVersion: version, flags } = message;
  if (version < versions.min || version > versions.max) {
    throw new ServiceError(
      'setup-connection-error',
      `the server chose version ${version}, which was not offered`,
      { version },
    );
  }
  return { version, flags };
}

/** Where a Reconnect leads, and how to get there, or why not to. */
export type Redirect =
  | { readonly endpoint: Endpoint; readonly connector: Connector; readonly refused?: never }
  | { readonly endpoint: Endpoint; readonly refused: string };

/**
 * Judges a Reconnect (spec §3.6.5): to another host only if that proves to belong to the same authority, which
 * takes encryption and an authority key. Whoever can write into a plaintext connection could otherwise make its
 * clients knock at any address that they can reach.
 * @param message what the server said; an empty host or port 0 means the present one
 * @param connector what dialled the present server
 * @param peer the present server
 */
export function judgeRedirect({ newHost, newPort }: Reconnect, connector: Connector, peer: Peer): Redirect {
  const present = connector.endpoint ?? { host: '', port: 0 };
  const endpoint = {
    host: newHost === '' ? present.host : newHost,
    port: newPort === 0 ? present.port : newPort,
  };
  if (endpoint.host === present.host && endpoint.port === present.port) return { endpoint, connector };

  const refuse = (refused: string): Redirect => ({ endpoint, refused });
  if (connector.redirect === undefined) return refuse('this connection cannot be redirected');
  if (endpoint.host === '' || endpoint.port === 0)
    return refuse('it leaves the host or the port as it is, which is not known here');
  if (!peer.encrypted && endpoint.host.toLowerCase() !== present.host.toLowerCase())
    return refuse(
      'the connection is not encrypted, so that anybody on the way could have sent this: only another port of ' +
        'the same host would be followed',
    );
  if (peer.encrypted && peer.authorityPublicKey === undefined)
    return refuse(
      'no authority key is configured, so the new server could not be proved to belong to the same pool',
    );
  try {
    return { endpoint, connector: connector.redirect(endpoint) };
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
}
