# SPDX-License-Identifier: MIT
# Perl's shared memory of System V, told by lines what to do, each answered by a line:
# create KEY SIZE, get KEY (they answer with the shmid), read SHMID OFFSET LENGTH and
# write SHMID OFFSET TEXT with the language's own functions, which attach and detach for each;
# attach SHMID, load OFFSET LENGTH, store OFFSET TEXT and detach with IPC::SysV, which stays attached;
# mode SHMID OCTAL, quit.
use strict;
use warnings;
use IPC::SysV qw(IPC_CREAT IPC_EXCL IPC_STAT IPC_SET memread memwrite shmat shmdt);

my $at;

# Before the mode, struct ipc_perm has the key and four numbers of users and groups.
sub set_mode {
	my ($shmid, $mode) = @_;
	my $ds = '';

	shmctl($shmid, IPC_STAT, $ds) or return;
	substr($ds, 20, 4) = pack('L', oct $mode);
	return shmctl($shmid, IPC_SET, $ds);
}

my %commands = (
	create => sub { shmget(oct $_[0], $_[1], IPC_CREAT | IPC_EXCL | 0600) },
	get => sub { shmget(oct $_[0], 0, 0600) },
	read => sub { my $text; shmread($_[0], $text, $_[1], $_[2]) ? $text : undef },
	write => sub { my ($shmid, $offset, @words) = @_; my $text = "@words";
		shmwrite($shmid, $text, $offset, length $text) ? length $text : undef },
	attach => sub { $at = shmat($_[0], undef, 0); defined $at ? 'attached' : undef },
	load => sub { my $text; memread($at, $text, $_[0], $_[1]) ? $text : undef },
	store => sub { my ($offset, @words) = @_; my $text = "@words";
		memwrite($at, $text, $offset, length $text) ? length $text : undef },
	detach => sub { defined shmdt($at) ? 'detached' : undef },
	mode => sub { set_mode(@_) ? 'set' : undef },
	quit => sub { exit 0 },
);

$| = 1;
while (my $line = <STDIN>) {
	my ($what, @arguments) = split ' ', $line;
	my $reply = $commands{$what}->(@arguments);
	print defined $reply ? "$reply\n" : "error $!\n";
}
