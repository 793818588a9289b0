package metric

import "testing"

// TestKeys: a key gives back the metric and the instance it was made of, whatever the instance's
// bytes, and never contains what parts keys in a list.
func TestKeys(t *testing.T) {
	for instance, want := range map[string]string{
		"":               "cpu_percent",
		"3":              "cpu_percent{3}",
		"/mnt/a, b{c}%":  "cpu_percent{/mnt/a%2C b%7Bc%7D%25}",
		"line\nfeed":     "cpu_percent{line%0Afeed}",
		"größe\xff":      "cpu_percent{größe%FF}",
		"\xe4\x00\uFFFD": "cpu_percent{%E4%00\uFFFD}",
	} {
		key := Key("cpu_percent", instance)
		if key != want {
			t.Errorf("the key of %q: got %q, want %q", instance, key, want)
		}
		name, back, err := ParseKey(key)
		if err != nil || name != "cpu_percent" || back != instance {
			t.Errorf("%q: got %q of %q and %v, want what it was made of", key, back, name, err)
		}
	}
	for _, bad := range []string{"cpu_percent{", "cpu_percent{}", "cpu_percent{3", "cpu_percent{%zz}", "cpu_percent{a,b}", "cpu_percent{a}b", "cpu_percent{\xff}", "cpu_percent{%C3%B6}"} {
		if name, instance, err := ParseKey(bad); err == nil {
			t.Errorf("%q: got %q of %q, want an error", bad, instance, name)
		}
	}
}

// TestDefinitions: every metric has a name of its own and all that people and history need.
func TestDefinitions(t *testing.T) {
	names := map[string]bool{}
	for _, m := range All() {
		if m.Name == "" || m.Title == "" || m.Unit == "" || m.Kind == "" || m.Group == "" || m.Scale <= 0 || m.Formula == "" || m.Source == "" {
			t.Errorf("%+v is not whole", m)
		}
		if names[m.Name] {
			t.Errorf("%s is defined twice", m.Name)
		}
		names[m.Name] = true
	}
}
