//! Where programs come from, and whether they are there.

use std::path::{Path, PathBuf};

/// Programs with the package of Debian and Ubuntu that brings them.
const PACKAGES: [(&str, &str); 44] = [
    ("abc", "berkeley-abc"),
    ("clang", "clang"),
    ("cmake", "cmake"),
    ("cocotb-config", "python3-cocotb"),
    ("ecppack", "prjtrellis"),
    ("g++", "g++"),
    ("gcc", "gcc"),
    ("ghdl", "ghdl"),
    ("gtkwave", "gtkwave"),
    ("icepack", "fpga-icestorm"),
    ("icetime", "fpga-icestorm"),
    ("iverilog", "iverilog"),
    ("java", "default-jre-headless"),
    ("julia", "julia"),
    ("klayout", "klayout"),
    ("magic", "magic"),
    ("make", "make"),
    ("mpirun", "openmpi-bin"),
    ("netgen", "netgen-lvs"),
    ("nextpnr-ecp5", "nextpnr-ecp5"),
    ("nextpnr-gowin", "nextpnr-gowin"),
    ("nextpnr-ice40", "nextpnr-ice40"),
    ("ngspice", "ngspice"),
    ("node", "nodejs"),
    ("octave", "octave"),
    ("perf", "linux-perf"),
    ("perl", "perl"),
    ("python", "python-is-python3"),
    ("python3", "python3"),
    ("qemu-riscv64", "qemu-user"),
    ("qemu-system-x86_64", "qemu-system-x86"),
    ("qucs", "qucs-s"),
    ("Rscript", "r-base-core"),
    ("sbatch", "slurm-client"),
    ("slang", "slang"),
    ("srun", "slurm-client"),
    ("tclsh", "tcl"),
    ("time", "time"),
    ("valgrind", "valgrind"),
    ("verilator", "verilator"),
    ("vvp", "iverilog"),
    ("Xyce", "xyce"),
    ("yosys", "yosys"),
    ("z3", "z3"),
];

/// Programs that no package of Debian brings, with where they are had from.
const PROJECTS: [(&str, &str); 8] = [
    ("DRAMSys", "build it from github.com/tukl-msd/DRAMSys"),
    ("gem5.opt", "build it from github.com/gem5/gem5"),
    ("gem5", "build it from github.com/gem5/gem5"),
    ("openroad", "build it from github.com/The-OpenROAD-Project/OpenROAD"),
    ("ramulator2", "build it from github.com/CMU-SAFARI/ramulator2"),
    ("sta", "build it from github.com/parallaxsw/OpenSTA"),
    ("timeloop-mapper", "build it from github.com/NVlabs/timeloop"),
    ("timeloop-model", "build it from github.com/NVlabs/timeloop"),
];

/// How to get a program, if that is known.
pub(super) fn remedy(program: &str) -> String {
    let name = Path::new(program).file_name().and_then(|name| name.to_str()).unwrap_or(program);
    let of =
        |list: &[(&str, &'static str)]| list.iter().find(|(known, _)| *known == name).map(|(_, from)| *from);
    match (of(&PACKAGES), of(&PROJECTS)) {
        (Some(package), _) => format!("install it (Debian, Ubuntu: `apt-get install {package}`)"),
        (_, Some(project)) => format!("{project}, and put it on the PATH"),
        _ => "install it, put its folder on the PATH, or give its path".into(),
    }
}

/// The file of a program: a path in this folder if the word has a separator in it, otherwise the first of that name on the path.
pub(super) fn find(program: &str, folder: &Path, path: Option<&str>) -> Option<PathBuf> {
    if program.contains(std::path::is_separator) {
        let path = folder.join(program);
        return is_program(&path).then_some(path);
    }
    let own = std::env::var_os("PATH").unwrap_or_default();
    let path = path.map_or(own, Into::into);
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|path| is_program(path))
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}
