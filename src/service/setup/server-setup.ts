import { SetupConnectionError, SetupConnectionSuccess, type SetupConnection } from '../../messages/common.js';
import { miningSetupFlags, miningSuccessFlags } from '../../messages/setup-flags.js';
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
  /** The error code for a client that could be accepted and is not; undefined for one that is. */
  refuses?(setupConnection: SetupConnection): string | undefined;
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

const refuse = (errorCode: string, flags: number): SetupAnswer => ({
  accepted: false,
  reply: SetupConnectionError({ flags, errorCode }),
});

/**
 * Decides on a SetupConnection (spec §3.6.1 to §3.6.3): `unsupported-protocol`, `protocol-version-mismatch` or
 * `unsupported-feature-flags`, each with those of the client's flags that are not supported, or success with the
 * highest common version, unless the policy refuses that. Flags of the answer that contradict the client's are refused as if the client's were not
 * supported: a server that accepts no other version cannot serve a client that requires version rolling (§5.3.1).
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
  const { flags, minVersion, maxVersion } = setupConnection;
  if (protocol === undefined || policy === undefined) return refuse('unsupported-protocol', flags);

  const successFlags = policy.successFlags(setupConnection) >>> 0;
  const unsupported = (flags & ~(policy.supportedFlags & ~contradicted(protocol, successFlags))) >>> 0;
  const version = Math.min(maxVersion, versions.max);
  if (version < minVersion || version < versions.min) return refuse('protocol-version-mismatch', unsupported);
  if (unsupported !== 0) return refuse('unsupported-feature-flags', unsupported);
  const refused = policy.refuses?.(setupConnection);
  if (refused !== undefined) return refuse(refused, 0);

  return {
    accepted: true,
    protocol,
    version,
    successFlags,
    reply: SetupConnectionSuccess({ usedVersion: version, flags: successFlags }),
  };
}

/** The flags of a client that an answer with these flags may not be given to (spec §5.3.1). */
const contradicted = (protocol: Subprotocol, successFlags: number): number =>
  protocol === 'mining' && (successFlags & miningSuccessFlags.requiresFixedVersion) !== 0
    ? miningSetupFlags.requiresVersionRolling
    : 0;
