import type { Tlv } from '../../codec/tlv.js';
import {
  RequestExtensionsError,
  RequestExtensionsSuccess,
  type RequestExtensions,
} from '../../messages/extensions.js';
import type { Message } from '../../messages/registry.js';
import { ServiceError } from '../errors.js';

/** The extensions one side speaks, besides 0x0001 itself. */
export interface ExtensionPolicy {
  /** Those it can use. */
  readonly supported: readonly number[];
  /** Those among them without which it will not work; none unless given. */
  readonly required?: readonly number[];
}

/** The answer to a RequestExtensions and the extensions agreed by it. */
export interface ExtensionAnswer {
  readonly reply: RequestExtensionsSuccess | RequestExtensionsError;
  readonly extensions: readonly number[];
}

const without = (list: readonly number[], other: readonly number[]) =>
  list.filter((extension) => !other.includes(extension));
const within = (list: readonly number[], other: readonly number[]) =>
  list.filter((extension) => other.includes(extension));

/**
 * Decides on a RequestExtensions (extension 0x0001 §2 and §4): an error if something required was not asked
 * for, or if nothing asked for is supported; else the supported ones.
 */
export function answerExtensions(request: RequestExtensions, policy: ExtensionPolicy): ExtensionAnswer {
  const { requestId, requestedExtensions } = request;
  const extensions = within([...new Set(requestedExtensions)], policy.supported);
  const missing = without(policy.required ?? [], requestedExtensions);
  if (missing.length > 0 || (extensions.length === 0 && requestedExtensions.length > 0)) {
    return {
      reply: RequestExtensionsError({
        requestId,
        unsupportedExtensions: without(requestedExtensions, policy.supported),
        requiredExtensions: missing,
      }),
      extensions: [],
    };
  }
  return { reply: RequestExtensionsSuccess({ requestId, supportedExtensions: extensions }), extensions };
}

/** What a client does next in a negotiation: ask (once more), or go on with what was agreed. */
export type NegotiationStep =
  { readonly ask: readonly number[] } | { readonly agreed: readonly number[]; readonly ask?: never };

/**
 * What an answer to RequestExtensions means for a client (extension 0x0001 §1 and §4).
 * @param answer what the server said
 * @param requested what it was asked for
 * @param policy what the client can use and needs
 * @param last whether the client has asked for the last time
 * @throws ServiceError `extension-required` if the server needs an extension that is not supported here,
 * `extension-unsupported` if it does not have one that the client needs
 */
export function negotiationStep(
  answer: RequestExtensionsSuccess | RequestExtensionsError,
  requested: readonly number[],
  policy: ExtensionPolicy,
  last: boolean,
): NegotiationStep {
  if (answer.type === 'RequestExtensions.Success') {
    return agree(within(requested, answer.supportedExtensions), policy);
  }
  const { unsupportedExtensions, requiredExtensions } = answer;
  const unknown = without(requiredExtensions, policy.supported);
  if (unknown.length > 0) {
    throw new ServiceError(
      'extension-required',
      `the server requires the extensions ${listed(unknown)}, which are not supported here`,
      { required: requiredExtensions },
    );
  }
  const ask = [...new Set([...without(requested, unsupportedExtensions), ...requiredExtensions])];
  if (ask.length > 0 && !last) {
    requireAll(ask, policy);
    return { ask };
  }
  return agree([], policy);
}

/**
 * What silence means for a client: the server knows no extensions (extension 0x0001 §4.3).
 * @throws ServiceError `extension-timeout` if the client needs some
 */
export function negotiationExpired(policy: ExtensionPolicy): NegotiationStep {
  const { required = [] } = policy;
  if (required.length > 0) {
    throw new ServiceError(
      'extension-timeout',
      `the server did not answer RequestExtensions; ${listed(required)} are required`,
      { required },
    );
  }
  return { agreed: [] };
}

function agree(agreed: readonly number[], policy: ExtensionPolicy): NegotiationStep {
  requireAll(agreed, policy);
  return { agreed };
}

function requireAll(extensions: readonly number[], { required = [] }: ExtensionPolicy): void {
  const missing = without(required, extensions);
  if (missing.length > 0) {
    throw new ServiceError(
      'extension-unsupported',
      `the server does not support the extensions ${listed(missing)}, which are required`,
      { required: missing },
    );
  }
}

/** Extension numbers for people, such as `0x0002, 0x0003`. */
export const listed = (extensions: readonly number[]): string =>
  extensions.map((extension) => `0x${extension.toString(16).padStart(4, '0')}`).join(', ');

/**
 * The message without TLVs of extensions that were not negotiated: they must not be sent, and must be ignored
 * when received (extension 0x0002 §1.3).
 */
export function negotiatedTlvs<M extends Message>(message: M, extensions: readonly number[]): M {
  const tlvs = (message as { readonly tlvs?: readonly Tlv[] }).tlvs;
  if (tlvs === undefined || tlvs.every(({ extensionType }) => extensions.includes(extensionType)))
    return message;
  const kept = tlvs.filter(({ extensionType }) => extensions.includes(extensionType));
  const { tlvs: _dropped, ...rest } = message as M & { readonly tlvs: readonly Tlv[] };
  return (kept.length === 0 ? rest : { ...rest, tlvs: kept }) as unknown as M;
}
