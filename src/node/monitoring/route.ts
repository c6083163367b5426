/** A path of the API as data: what its URL may say, what its answers look like, and what gives them. */
import type * as z from 'zod';

/** An answer: its status, and its body, which becomes JSON unless it is a text of another type. */
export type Answer =
  | { readonly status: number; readonly body: unknown }
  | { readonly status: number; readonly text: string; readonly contentType: string };

/** An answer in JSON. */
export const json = (status: number, body: unknown): Answer => ({ status, body });

/** An answer that is no JSON. */
export const plain = (text: string, contentType: string): Answer => ({ status: 200, text, contentType });

/** A path that is answered to GET, as the document of the API describes it. */
export interface DescribedRoute {
  /** As OpenAPI writes it: `/api/v1/clients/{client_id}`. */
  readonly path: string;
  readonly operationId: string;
  readonly tag: string;
  readonly summary: string;
  readonly params: z.ZodObject;
  readonly query: z.ZodObject;
  /** Whether it is answered to whoever has no token. */
  readonly isPublic?: boolean;
  /** What it means, and the schema of the JSON body or the media type of another, by status. */
  readonly responses: Readonly<Record<number, readonly [description: string, body: z.ZodType | string]>>;
}

/** A route that is answered at once. `Source` is what its answers are made from. */
export interface Route<Source> extends DescribedRoute {
  readonly answer: (
    request: { readonly params: unknown; readonly query: unknown },
    source: Source,
  ) => Answer | Promise<Answer>;
}

/** A route whose `answer` is given what its schemas of the URL make of it. */
export const route = <Source, P extends z.ZodObject, Q extends z.ZodObject>(
  given: Omit<Route<Source>, 'params' | 'query' | 'answer'> & {
    readonly params: P;
    readonly query: Q;
    readonly answer: (
      request: { readonly params: z.output<P>; readonly query: z.output<Q> },
      source: Source,
    ) => Answer | Promise<Answer>;
  },
): Route<Source> => given as Route<Source>;
