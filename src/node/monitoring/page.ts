/** The dashboard as it is served. The build puts the page that it has made in the place of this module's `undefined`. */

/** A file of the page. */
export interface PageFile {
  /** Of the URL: `/dashboard.js`. */
  readonly path: string;
  readonly contentType: string;
  readonly text: string;
}

/** The files of the page, that of `/` first; undefined in sources, which have none. */
export const page: readonly PageFile[] | undefined = undefined;
