/** What a server answers to a RequestExtensions, and what a connection's extensions mean for its messages. */
import type { Tlv } from '../../codec/tlv.js';
import {
  RequestExtensionsError,
  RequestExtensionsSuccess,
  type RequestExtensions,
} from '../../messages/extensions.js';
import type { Message } from '../../messages/registry.js';

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

/** What one list of extensions has and the other has not. */
export const without = (list: readonly number[], other: readonly number[]) =>
  list.filter((extension) => !other.includes(extension));
/** What both lists of extensions have. */
export const within = (list: readonly number[], other: readonly number[]) =>
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
