package channel

import (
	"maps"
	"slices"

	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/discord"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/googlechat"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/lark"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/matrix"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/mattermost"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/rocketchat"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/signal"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/slack"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/teams"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/telegram"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/wecom"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/zulip"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/incident/opsgenie"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/incident/pagerduty"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/push/bark"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/push/gotify"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/push/ifttt"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/push/join"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/push/ntfy"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/push/pushbullet"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/push/pushover"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/sms/twilio"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/specialized/generic"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/specialized/notifiarr"
	"github.com/nicholas-fedor/shoutrrr/pkg/types"
)

// services are shoutrrr's services that are used, by scheme: those that make every connection by
// the HTTP client they are given, which a test holds against the library. The others connect by
// themselves (mqtt, smtp), or do not notify at all (logger). They are named one by one, and not
// taken from the library's own list, because that would link an MQTT client nobody can use.
func services() map[string]types.Service {
	return map[string]types.Service{
		"bark":       &bark.Service{},
		"discord":    &discord.Service{},
		"generic":    &generic.Service{},
		"googlechat": &googlechat.Service{},
		"gotify":     &gotify.Service{},
		"hangouts":   &googlechat.Service{},
		"ifttt":      &ifttt.Service{},
		"join":       &join.Service{},
		"lark":       &lark.Service{},
		"matrix":     &matrix.Service{},
		"mattermost": &mattermost.Service{},
		"notifiarr":  &notifiarr.Service{},
		"ntfy":       &ntfy.Service{},
		"opsgenie":   &opsgenie.Service{},
		"pagerduty":  &pagerduty.Service{},
		"pushbullet": &pushbullet.Service{},
		"pushover":   &pushover.Service{},
		"rocketchat": &rocketchat.Service{},
		"signal":     &signal.Service{},
		"slack":      &slack.Service{},
		"teams":      &teams.Service{},
		"telegram":   &telegram.Service{},
		"twilio":     &twilio.Service{},
		"wecom":      &wecom.Service{},
		"zulip":      &zulip.Service{},
	}
}

// schemes are the names of the services.
func schemes() []string { return slices.Sorted(maps.Keys(services())) }
