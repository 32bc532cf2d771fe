package desk

import (
	"fmt"

	"dialtone/conn/profile"
	"dialtone/keys"
)

// The reasons for which a caller and a profile do not come together, for both
// kinds of listener.

func noProfile(name string) error {
	return &keys.Fault{Code: "PRO-NONE", What: fmt.Sprintf("there is no profile %q", name), Kept: "Nothing was changed", Err: profile.ErrNone}
}

func nameTaken(name string) error {
	return &keys.Fault{Code: "PRO-TAKEN", What: fmt.Sprintf("there is a profile %s already", name), Kept: "Nothing was changed",
		Do: "Choose another name, or bind the caller to it"}
}

func keyTaken(by string) error {
	return &keys.Fault{Code: "PRO-TAKEN", What: fmt.Sprintf("this key belongs to the profile %s already", by), Kept: "Nothing was changed",
		Do: "Bind the caller to it"}
}

func otherWay(p profile.Profile) error {
	return &keys.Fault{Code: "PRO-WAY", What: fmt.Sprintf("the profile %s is for a device reached by %s", p.Name, p.Via), Kept: "Nothing was changed",
		Do: "Accept the caller with a profile of its own"}
}

func otherID(p profile.Profile, claim string) error {
	return &keys.Fault{Code: "PRO-ID", What: fmt.Sprintf("the profile %s is that of device-id %q, the caller claims to be %q", p.Name, p.DeviceID, claim),
		Kept: "Nothing was changed", Do: "Change device_id in the profile first, if that is right"}
}
