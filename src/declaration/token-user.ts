/** Whose a token is. */

/** The account of a user identity: up to the first dot. */
export const accountOf = (user: string): string => user.split('.', 1)[0] as string;

/** Whether a token may be used on a user's channel: it is its account's, or was given to nobody in particular. */
export const sameAccount = (tokenUser: string, channelUser: string): boolean =>
  accountOf(tokenUser) === '' || accountOf(tokenUser) === accountOf(channelUser);
