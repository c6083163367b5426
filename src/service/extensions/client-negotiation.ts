/** What a client asks for and makes of the answers while extensions are negotiated (extension 0x0001). */
import {
  RequestExtensions,
  type RequestExtensionsError,
  type RequestExtensionsSuccess,
} from '../../messages/extensions.js';
import { ServiceError } from '../errors.js';
import { listed, within, without, type ExtensionPolicy } from './negotiation.js';

/** What comes next: a request to send, or the extensions that were agreed. */
export type NegotiationStep =
  { readonly request: RequestExtensions } | { readonly agreed: readonly number[]; readonly request?: never };

/** The negotiations on one connection, one after the other. */
export interface ClientNegotiation {
  /** Begins one. */
  begin(): NegotiationStep;
  /**
   * Takes an answer.
   * @returns undefined if it is not the answer to the last request
   * @throws ServiceError `extension-required` if the server needs an extension that is not supported here,
   * `extension-unsupported` if it does not have one that the client needs
   */
  answered(answer: RequestExtensionsSuccess | RequestExtensionsError): NegotiationStep | undefined;
  /**
   * Takes silence, or too much of anything else, for an answer: the server knows no extensions (0x0001 §4.3).
   * @throws ServiceError `extension-timeout` if the client needs some
   */
  expired(): NegotiationStep;
}

/**
 * A client's side of the negotiations on a connection. A server that refuses is asked once more, for what it has and
 * what it requires (0x0001 §1, §4).
 * @param policy what the client can use and needs
 */
export function clientNegotiation(policy: ExtensionPolicy): ClientNegotiation {
  let requestId = 0;
  let requested: readonly number[] = [];
  let isLast = false;

  const ask = (extensions: readonly number[]): NegotiationStep => {
    requested = extensions;
    requestId = (requestId + 1) & 0xffff;
    return { request: RequestExtensions({ requestId, requestedExtensions: extensions }) };
  };

  return {
    begin() {
      isLast = false;
      return policy.supported.length === 0 ? { agreed: [] } : ask(policy.supported);
    },
    answered(answer) {
      if (answer.requestId !== requestId) return undefined;
      if (answer.type === 'RequestExtensions.Success')
        return agree(within(requested, answer.supportedExtensions), policy);
      const { unsupportedExtensions, requiredExtensions } = answer;
      const unknown = without(requiredExtensions, policy.supported);
      if (unknown.length > 0) {
        throw new ServiceError(
          'extension-required',
          `the server requires the extensions ${listed(unknown)}, which are not supported here`,
          { required: requiredExtensions },
        );
      }
      const left = [...new Set([...without(requested, unsupportedExtensions), ...requiredExtensions])];
      if (left.length === 0 || isLast) return agree([], policy);
      requireAll(left, policy);
      isLast = true;
      return ask(left);
    },
    expired() {
      const { required = [] } = policy;
      if (required.length > 0) {
        throw new ServiceError(
          'extension-timeout',
          `the server did not answer RequestExtensions; ${listed(required)} are required`,
          { required },
        );
      }
      return { agreed: [] };
    },
  };
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
