package monitor

import (
	"encoding/json"
	"io"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"homeserver/internal/platform/httpd"
	"homeserver/internal/platform/identity"
)

// get fetches JSON and insists on the status.
func get(t *testing.T, url string, status int) map[string]any {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != status {
		t.Fatalf("GET %s: got %d, want %d: %s", url, response.StatusCode, status, body)
	}
	var out map[string]any
	if err := json.Unmarshal(body, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestEndpointsKeepTheContract(t *testing.T) {
	base := "http://" + openHouse(t, fixedUsage) + prefix
	system := get(t, base+"/system", http.StatusOK)
	for _, name := range []string{"cpu_percent", "memory_percent", "memory_used_gb", "memory_total_gb", "disk_percent", "disk_used_gb", "disk_total_gb", "disk_free_gb"} {
		if _, ok := system[name].(float64); !ok {
			t.Errorf("system: %s is %v, want a number", name, system[name])
		}
	}
	for _, name := range []string{"load_1", "load_5", "load_15", "cpu_count", "swap_used_gb", "swap_total_gb", "disk_read_bytes_per_second",
		"disk_write_bytes_per_second", "network_received_bytes_per_second", "network_sent_bytes_per_second", "scope"} {
		if _, ok := system[name]; !ok {
			t.Errorf("system: %s is missing", name)
		}
	}
	storage := get(t, base+"/storage", http.StatusOK)
	if storage["total_files"] != 31.0 || storage["total_size_gb"] != 0.0213 || storage["total_size_bytes"] != 22870523.0 || storage["storage_path"] == "" {
		t.Errorf("storage: got %v", storage)
	}
	dashboard := get(t, base+"/dashboard", http.StatusOK)
	for _, name := range []string{"system", "storage", "uptime_seconds", "sampled_at", "host"} {
		if _, ok := dashboard[name]; !ok {
			t.Errorf("dashboard: %s is missing", name)
		}
	}
	if _, err := time.Parse(time.RFC3339, dashboard["sampled_at"].(string)); err != nil {
		t.Error(err)
	}
}

func TestRecent(t *testing.T) {
	base := "http://" + openHouse(t, fixedUsage) + prefix
	get(t, base+"/system", http.StatusOK) // waits for the first snapshot
	recent := get(t, base+"/recent?seconds=60", http.StatusOK)
	rows := len(recent["time"].([]any))
	if rows == 0 || recent["interval_seconds"] != 2.0 {
		t.Errorf("got %v, want a sample and an interval of 2", recent)
	}
	for name, column := range recent {
		if name != "interval_seconds" && len(column.([]any)) != rows {
			t.Errorf("%s: got %d values, want %d", name, len(column.([]any)), rows)
		}
	}
	for _, bad := range []string{"0", "901", "x"} {
		get(t, base+"/recent?seconds="+bad, http.StatusUnprocessableEntity)
	}
}

func TestStorageDirectoryThatWasNeverThereIs503(t *testing.T) {
	m := New(Config{StoragePath: t.TempDir() + "/gone", Started: time.Now()}, fixedUsage, quiet())
	m.publish(m.sampler.tick(t.Context()))
	m.sampler.close()
	router := httpd.NewRouter("HomeServer", "test")
	m.Service().Routes(router)
	local := httpd.Recognise(func(*http.Request) identity.Principal { return identity.Household() })
	server := httptest.NewServer(httpd.NewServer(httpd.Config{}, router, local, quiet()).Handler())
	defer server.Close()
	for _, path := range []string{"/system", "/dashboard"} {
		problem := get(t, server.URL+prefix+path, http.StatusServiceUnavailable)
		if detail, _ := problem["detail"].(string); !strings.Contains(detail, "disk") {
			t.Errorf("%s: got %q, want a sentence that names the disk", path, detail)
		}
	}
	get(t, server.URL+prefix+"/storage", http.StatusOK)
}

func TestRounding(t *testing.T) {
	s := &Snapshot{CPU: 88.85, Memory: memoryUse{Total: 25275990016, Available: 24825022054}, Disk: diskUse{Total: 270550016000, Used: 25726744166, Free: 72069551718},
		Load: loadAverages{0.523, 0.5, 0.4}, DiskRead: 1000.6, DiskWrite: math.NaN(), NetReceived: 0, NetSent: math.NaN(), Host: Host{CPUs: 2, Scope: "host"}}
	got, err := json.Marshal(system(s))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"cpu_percent":88.9,"memory_percent":1.8,"memory_used_gb":0.42,"memory_total_gb":23.54,"disk_percent":26.3,"disk_used_gb":23.96,"disk_total_gb":251.97,"disk_free_gb":67.12,` +
		`"load_1":0.52,"load_5":0.5,"load_15":0.4,"cpu_count":2,"swap_used_gb":0,"swap_total_gb":0,"disk_read_bytes_per_second":1001,"disk_write_bytes_per_second":null,` +
		`"network_received_bytes_per_second":0,"network_sent_bytes_per_second":null,"scope":"host"}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("want -, got +:\n%s", diff)
	}
	column, err := json.Marshal(column{1.25, float32(math.NaN()), 1e9})
	if err != nil || string(column) != "[1.3,null,1000000000]" {
		t.Errorf("column: got %s, %v", column, err)
	}
}

func TestDescriptionNamesEveryAnswer(t *testing.T) {
	router := httpd.NewRouter("HomeServer", "test")
	New(Config{}, fixedUsage, quiet()).Service().Routes(router)
	raw, err := router.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	var api struct {
		Paths map[string]map[string]struct {
			Summary, Description string
			Responses            map[string]any
		}
	}
	if err := json.Unmarshal(raw, &api); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string][]string{
		"/system": {"200", "401", "503"}, "/storage": {"200", "401"}, "/dashboard": {"200", "401", "503"}, "/recent": {"200", "401", "422"}, "/ws": {"101", "401", "403"},
	} {
		op := api.Paths[prefix+path]["get"]
		if op.Summary == "" || op.Description == "" {
			t.Errorf("%s is not described", path)
		}
		for _, status := range want {
			if _, ok := op.Responses[status]; !ok {
				t.Errorf("%s: no answer %s, only %v", path, status, slices.Sorted(maps.Keys(op.Responses)))
			}
		}
	}
}
