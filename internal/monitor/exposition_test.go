package monitor

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"homeserver/internal/platform/httpd"
	"homeserver/internal/platform/identity"
)

// sampleLine is a line of the text format 0.0.4: name, labels, value.
var sampleLine = regexp.MustCompile(`^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (\S+)$`)

// parseExposition reads the text format strictly: every sample belongs to the family announced
// last, no family and no series is there twice.
func parseExposition(text string) (samples map[string]float64, types map[string]string, err error) {
	samples, types = map[string]float64{}, map[string]string{}
	family, helped := "", ""
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		fail := func(why string) error { return fmt.Errorf("line %d: %s: %q", i+1, why, line) }
		switch {
		case strings.HasPrefix(line, "# HELP "):
			helped, _, _ = strings.Cut(strings.TrimPrefix(line, "# HELP "), " ")
		case strings.HasPrefix(line, "# TYPE "):
			name, kind, _ := strings.Cut(strings.TrimPrefix(line, "# TYPE "), " ")
			if name != helped || types[name] != "" {
				return nil, nil, fail("a family without help, or for the second time")
			}
			family, types[name] = name, kind
		default:
			m := sampleLine.FindStringSubmatch(line)
			if m == nil {
				return nil, nil, fail("no sample")
			}
			value, err := strconv.ParseFloat(m[3], 64)
			base := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(m[1], "_sum"), "_count"), "_bucket")
			if err != nil || m[1] != family && base != family {
				return nil, nil, fail("a value that is none, or of another family than " + family)
			}
			key := m[1] + "{" + m[2] + "}"
			if _, twice := samples[key]; twice {
				return nil, nil, fail("for the second time")
			}
			samples[key] = value
		}
	}
	return samples, types, nil
}

// measuredMonitor is a room over the machine under root, "" for the real one, that has measured
// everything it asks at once.
func measuredMonitor(t *testing.T, root string) *Monitor {
	t.Helper()
	m := New(Config{StoragePath: t.TempDir(), Started: time.Now(), Root: root}, fixedUsage, quiet())
	t.Cleanup(m.sampler.stop)
	t.Cleanup(m.scraper.close)
	pace := time.NewTicker(firstInterval)
	defer pace.Stop()
	settled := 0 // ticks at which nothing was waited for: which file systems there are is known at one, asked at the next
	for range 50 {
		s := m.sampler.tick(t.Context())
		m.publish(s)
		waiting := len(m.sampler.details.order) < 10
		for _, d := range m.sampler.details.order {
			waiting = waiting || d.waiting
		}
		if settled++; waiting {
			settled = 0
		}
		if settled > 1 && (s.Complete() || root != "") { // a machine in files does nothing, so how busy it is is never known
			break
		}
		<-pace.C
	}
	return m
}

// TestExposition: what is told to Prometheus is in its format, and holds the library's size.
func TestExposition(t *testing.T) {
	m := measuredMonitor(t, "")
	samples, types, err := parseExposition(string(m.exposition(t.Context(), m.current.Load())))
	if err != nil {
		t.Fatal(err)
	}
	if samples["homeserver_files{}"] != 31 || samples["homeserver_files_bytes{}"] != 22870523 || types["homeserver_files"] != "gauge" {
		t.Errorf("the library: got %v files of %v bytes", samples["homeserver_files{}"], samples["homeserver_files_bytes{}"])
	}
	if runtime.GOOS == "linux" && (types["node_cpu_seconds_total"] != "counter" || samples["node_memory_MemTotal_bytes{}"] == 0) {
		t.Errorf("got %d series without processor or memory", len(samples))
	}
	for _, bad := range []string{"x 1\n", "# HELP a b\n# TYPE a gauge\na{b=\"c} 1\n", "# HELP a b\n# TYPE a gauge\na 1\na 2\n", "# HELP a b\n# TYPE a gauge\na one\n"} {
		if _, _, err := parseExposition(bad); err == nil {
			t.Errorf("%q: got no error, want one", bad)
		}
	}
}

// TestWhoMayReadMetrics: by default whoever may read the monitoring; of the own network everybody
// where that is set, but not what a proxy passes on; nobody where it is off.
func TestWhoMayReadMetrics(t *testing.T) {
	who := func(r *http.Request) identity.Principal {
		if r.Header.Get("X-API-Key") == "right" {
			return identity.Household()
		}
		return identity.Principal{}
	}
	measured := measuredMonitor(t, "").current.Load()
	for _, test := range []struct {
		setting, from, key, forwarded string
		want                          int
	}{
		{"", "192.168.1.5:1", "right", "", 200},
		{"", "192.168.1.5:1", "", "", 401},
		{MetricsToken, "127.0.0.1:1", "", "", 401},
		{MetricsLAN, "127.0.0.1:1", "", "", 200},
		{MetricsLAN, "192.168.1.5:1", "", "", 200},
		{MetricsLAN, "[fe80::1%eth0]:1", "", "", 200},
		{MetricsLAN, "[fd00::1]:1", "", "", 200},
		{MetricsLAN, "203.0.113.9:1", "", "", 401},
		{MetricsLAN, "[2001:db8::1]:1", "", "", 401},
		{MetricsLAN, "203.0.113.9:1", "right", "", 200},
		{MetricsLAN, "192.168.1.5:1", "", "203.0.113.9", 401},
		{MetricsLAN, "192.168.1.5:1", "right", "203.0.113.9", 200},
		{MetricsOff, "127.0.0.1:1", "right", "", 404},
	} {
		m := New(Config{StoragePath: t.TempDir(), Metrics: test.setting}, fixedUsage, quiet())
		m.publish(measured)
		router := httpd.NewRouter("HomeServer", "test")
		m.Service().Routes(router)
		request := httptest.NewRequest(http.MethodGet, "/metrics", nil)
		request.Host, request.RemoteAddr = "localhost", test.from
		request.Header.Set("X-API-Key", test.key)
		if test.forwarded != "" {
			request.Header.Set("X-Forwarded-For", test.forwarded)
		}
		answer := httptest.NewRecorder()
		httpd.NewServer(httpd.Config{}, router, httpd.Recognise(who), quiet()).Handler().ServeHTTP(answer, request)
		if answer.Code != test.want {
			t.Errorf("%+v: got %d: %s", test, answer.Code, answer.Body)
		}
		if answer.Code == 200 && answer.Header().Get("Content-Type") != metricsType {
			t.Errorf("%+v: got %q", test, answer.Header().Get("Content-Type"))
		}
	}
}
