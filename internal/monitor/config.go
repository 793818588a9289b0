package monitor

import "fmt"

// Who may read /metrics.
const (
	MetricsToken = "token" // whoever may read the monitoring: a key, a token, a person signed in
	MetricsLAN   = "lan"   // and everybody in the same network
	MetricsOff   = "off"   // it is not there
)

// Validate says in a sentence what is wrong with a value and gives an example.
func (c Config) Validate() error {
	switch c.Metrics {
	case "", MetricsToken, MetricsLAN, MetricsOff:
		return nil
	}
	return fmt.Errorf("METRICS is %q, which is none of token, lan and off; for example METRICS=token", c.Metrics)
}
