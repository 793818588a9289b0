package machine

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"homeserver/internal/monitor/metric"
)

// The attributes of ATA disks that foretell a failure (smartmontools' own names).
const (
	attributeReallocated   = 5
	attributePending       = 197
	attributeUncorrectable = 198
)

// wearAttributes are those in which makers of SATA flash count down what is left of its life.
var wearAttributes = [...]int{177, 231, 233} // wear levelling count, SSD life left, media wear-out

// SMART asks the disks how they are, by smartctl. A disk that sleeps is not woken: what it said
// last stays. Of one that does not answer nothing is said.
type SMART struct {
	root    string
	metrics *metric.Registry
	tool    Tool
	disks   present[smartDisk]
}

// smartDisk is what a disk said.
type smartDisk struct {
	said   bool
	values [len(smartNames)]float64
	have   [len(smartNames)]bool
	raw    [len(smartNames)]*RawSeries
	series [len(smartNames)]*Series
}

// smartNames are the figures of a disk.
var smartNames = [...]string{metric.SMARTFailed, metric.SMARTReallocatedSectors, metric.SMARTPendingSectors, metric.SMARTUncorrectableErrors, metric.SMARTWearPercent,
	metric.SMARTPowerOnHours, metric.SMARTCelsius}

// smartReport is what is read of smartctl's JSON.
type smartReport struct {
	Smartctl struct {
		ExitStatus int `json:"exit_status"`
		Messages   []struct {
			String string `json:"string"`
		} `json:"messages"`
	} `json:"smartctl"`
	Status *struct {
		Passed bool `json:"passed"`
	} `json:"smart_status"`
	Temperature *struct {
		Current float64 `json:"current"`
	} `json:"temperature"`
	PowerOn *struct {
		Hours float64 `json:"hours"`
	} `json:"power_on_time"`
	Attributes struct {
		Table []struct {
			ID    int     `json:"id"`
			Value float64 `json:"value"`
			Raw   struct {
				Value float64 `json:"value"`
			} `json:"raw"`
		} `json:"table"`
	} `json:"ata_smart_attributes"`
	NVMe *struct {
		PercentageUsed float64 `json:"percentage_used"`
		MediaErrors    float64 `json:"media_errors"`
	} `json:"nvme_smart_health_information_log"`
}

// NewSMART makes the reader.
func NewSMART(root string, metrics *metric.Registry, tool Tool) *SMART {
	return &SMART{root: root, metrics: metrics, tool: tool}
}

// Read asks every disk that can answer.
func (s *SMART) Read() error {
	names, err := os.ReadDir(filepath.Join(s.root, "sys/block"))
	if err != nil {
		return fmt.Errorf("no disk in sight: %w: %w", ErrUnsupported, err)
	}
	s.disks.begin()
	var failures []error
	some := false
	for _, n := range names {
		name := n.Name()
		if !strings.HasPrefix(name, "sd") && !strings.HasPrefix(name, "nvme") && !strings.HasPrefix(name, "hd") || !wholeDisk(s.root, name) {
			continue
		}
		some = true
		one := s.disks.get([]byte(name), s.newDisk)
		out, err := s.tool("smartctl", "--json", "-n", "standby", "-a", "/dev/"+name)
		if errors.Is(err, ErrUnsupported) {
			s.disks.forget()
			return err
		}
		if err := one.parse(out, err); err != nil {
			one.said = false // what it said last may no longer be so
			failures = append(failures, fmt.Errorf("%s: %w", name, err))
		}
	}
	s.disks.end()
	if !some {
		return fmt.Errorf("no disk that knows SMART in sight: %w", ErrUnsupported)
	}
	if len(failures) == len(s.disks.order) {
		return errors.Join(failures...)
	}
	return nil
}

func (s *SMART) newDisk(name string) smartDisk {
	var one smartDisk
	who := identify(s.root, name)
	for i, n := range smartNames {
		one.raw[i] = raw("homeserver_"+n, Gauge, "What the disk tells by SMART.", "device", name, "serial", who.serial, "model", who.model)
		one.series[i] = series(s.metrics, n, who.id, who.title, one.raw[i])
	}
	return one
}

// parse reads a report. The exit status is a set of bits that says more of the disk than of the
// call, so the report counts: a disk with bad sectors makes smartctl fail.
func (one *smartDisk) parse(out []byte, failure error) error {
	var r smartReport
	if err := json.Unmarshal(out, &r); err != nil {
		return errors.Join(failure, fmt.Errorf("smartctl's answer: %w", err))
	}
	for _, m := range r.Smartctl.Messages {
		if strings.Contains(m.String, "STANDBY") || strings.Contains(m.String, "SLEEP") {
			return nil // it sleeps; what it said last stays
		}
	}
	if r.Status == nil && r.NVMe == nil && len(r.Attributes.Table) == 0 {
		for _, m := range r.Smartctl.Messages {
			failure = errors.Join(failure, errors.New(m.String))
		}
		return errors.Join(failure, errors.New("the disk tells nothing by SMART"))
	}
	one.said, one.values, one.have = true, [len(smartNames)]float64{}, [len(smartNames)]bool{}
	set := func(i int, v float64) { one.values[i], one.have[i] = v, true }
	if r.Status != nil {
		set(0, truth(!r.Status.Passed))
	}
	for _, a := range r.Attributes.Table {
		switch a.ID {
		case attributeReallocated:
			set(1, a.Raw.Value)
		case attributePending:
			set(2, a.Raw.Value)
		case attributeUncorrectable:
			set(3, a.Raw.Value)
		}
		for _, id := range wearAttributes {
			if a.ID == id && !one.have[4] && a.Value <= 100 {
				set(4, 100-a.Value)
			}
		}
	}
	if r.NVMe != nil {
		set(3, r.NVMe.MediaErrors)
		set(4, r.NVMe.PercentageUsed)
	}
	if r.PowerOn != nil {
		set(5, r.PowerOn.Hours)
	}
	if r.Temperature != nil && r.Temperature.Current > 0 {
		set(6, r.Temperature.Current)
	}
	return nil
}

// Emit says what the disks said.
func (s *SMART) Emit(to *Batch) {
	s.disks.each(func(one *smartDisk) {
		for i := range one.values {
			if one.said && one.have[i] {
				to.AddRaw(one.raw[i], one.values[i])
				to.Add(one.series[i], one.values[i])
			}
		}
	})
}
