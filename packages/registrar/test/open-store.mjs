// The built package's store at a place: a PostgreSQL connection as JSON, or else the path of an lmdb one.
import { lmdbStore, postgresStore } from '@onlysum/registrar';

export async function openStore(place) {
  return place.startsWith('{') ? postgresStore(JSON.parse(place)) : lmdbStore(place);
}
