import { SetupConnectionError, SetupConnectionSuccess, type SetupConnection } from '../../messages/common.js';
import { subprotocols, type Subprotocol } from '../../messages/define-message.js';

/** Inclusive range of protocol versions. */
export interface Versions {
  readonly min: number;
  readonly max: number;
}

/** The only version there is (spec §3.6.1). */
export const protocolVersions: Versions = { min: 2, max: 2 };

/** What a server supports of one subprotocol. */
export interface SetupPolicy {
  /** The SetupConnection flags it supports. */
  readonly supportedFlags: number;
  /** The flags of SetupConnection.Success. */
  successFlags(setupConnection: SetupConnection): number;
}

/** The answer to a SetupConnection, and what was agreed if it is a success. */
export type SetupAnswer =
  | {
      readonly accepted: true;
      readonly protocol: Subprotocol;
      readonly version: number;
      readonly successFlags: number;
      readonly reply: SetupConnectionSuccess;
    }
  | { readonly accepted: false; readonly reply: SetupConnectionError };

const refuse = (errorCode: string, flags = 0): SetupAnswer => ({
  accepted: false,
  reply: SetupConnectionError({ flags, errorCode }),
});

/**
 * Decides on a SetupConnection (spec §3.6.1 to §3.6.3): `unsupported-protocol`, `protocol-version-mismatch`,
 * `unsupported-feature-flags` with the offending flags, or success with the highest common version.
 * @param setupConnection what the client sent
 * @param policies what the server supports, by subprotocol
 * @param versions the versions it speaks
 */
export function answerSetup(
  setupConnection: SetupConnection,
  policies: Partial<Record<Subprotocol, SetupPolicy>>,
  versions: Versions,
): SetupAnswer {
  const protocol = subprotocols[setupConnection.protocol];
  const policy = protocol === undefined ? undefined : policies[protocol];
  if (protocol === undefined || policy === undefined) return refuse('unsupported-protocol');

  const version = Math.min(setupConnection.maxVersion, versions.max);
  if (version < setupConnection.minVersion || version < versions.min)
    return refuse('protocol-version-mismatch');

  const unsupported = (setupConnection.flags & ~policy.supportedFlags) >>> 0;
  if (unsupported !== 0) return refuse('unsupported-feature-flags', unsupported);

  const successFlags = policy.successFlags(setupConnection) >>> 0;
  return {
    accepted: true,
    protocol,
    version,
    successFlags,
    reply: SetupConnectionSuccess({ usedVersion: version, flags: successFlags }),
  };
}
