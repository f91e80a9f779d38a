/** Indexing where an absent element can only be our own bug. */
import { InternalError } from '@onlysum/crypto';

export function at<T>(list: ArrayLike<T | undefined>, index: number): T {
  const value = list[index];
  if (value === undefined) {
    throw new InternalError('internal', `no element ${index} in a list of ${list.length}`);
  }
  return value;
}
