package sqldb

import "context"

// View calls fn with a view of the database as it is at one moment, while others go on writing:
// nobody waits for it, however long it takes. fn only reads.
func (db *DB) View(ctx context.Context, fn func(q Querier) error) error {
	begin, end := `BEGIN`, rollbackSQLite // the state is that of the first statement
	if db.dialect == Postgres {
		begin, end = `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`, rollbackPostgres
	}
	conn, err := db.read.Conn(ctx)
	if err != nil {
		return db.wrap(ctx, err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, begin); err != nil {
		return db.wrap(ctx, err)
	}
	defer end(conn)
	return fn(&Tx{db: db, on: conn})
}
