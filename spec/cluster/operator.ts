/** An operator of NATS with an account and a user, as `nsc` makes them: keys, and JSON Web Tokens that they sign. */
import { nkeys } from '@nats-io/transport-node';

type KeyPair = ReturnType<typeof nkeys.createUser>;

const base64url = (value: string | Uint8Array): string => Buffer.from(value).toString('base64url');

/** What an issuer says of somebody (NATS JWT, version 2). */
const tokenOf = (issuer: KeyPair, subject: KeyPair, nats: object): string => {
  const [iss, sub] = [issuer.getPublicKey(), subject.getPublicKey()];
  const head = base64url('{"typ":"JWT","alg":"ed25519-nkey"}');
  const iat = Math.floor(Date.now() / 1_000);
  const body = base64url(
    JSON.stringify({ jti: sub, iat, iss, name: 'spec', sub, nats: { ...nats, version: 2 } }),
  );
  return `${head}.${body}.${base64url(issuer.sign(new TextEncoder().encode(`${head}.${body}`)))}`;
};

const permissions = { pub: {}, sub: {} };
const unlimited = { subs: -1, data: -1, payload: -1 };
const account = {
  type: 'account',
  limits: {
    ...{ ...unlimited, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 },
    ...{ mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 },
  },
  default_permissions: permissions,
};

/** An operator's part of a server's configuration, and a user's file of credentials. */
export function operatorWithUser(): { readonly config: string; readonly credentials: string } {
  const operator = nkeys.createOperator();
  const [system, own] = [nkeys.createAccount(), nkeys.createAccount()];
  const user = nkeys.createUser();
  const preloaded = [
    [system, { ...account, limits: { ...account.limits, mem_storage: 0, disk_storage: 0 } }] as const,
    [own, account] as const,
  ].map(([keys, claims]) => `  ${keys.getPublicKey()}: ${tokenOf(operator, keys, claims)}`);
  const jwt = tokenOf(own, user, { type: 'user', ...unlimited, ...permissions });
  const seed = new TextDecoder().decode(user.getSeed());
  return {
    config: [
      `operator: ${tokenOf(operator, operator, { type: 'operator' })}`,
      `system_account: ${system.getPublicKey()}`,
      'resolver: MEMORY',
      `resolver_preload: {\n${preloaded.join('\n')}\n}`,
    ].join('\n'),
    credentials: [
      ...['-----BEGIN NATS USER JWT-----', jwt, '------END NATS USER JWT------', ''],
      ...['-----BEGIN USER NKEY SEED-----', seed, '------END USER NKEY SEED------', ''],
    ].join('\n'),
  };
}
